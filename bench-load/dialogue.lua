-- The packets of dialogue.toml, as Postfix sends them, by miltertest: miltertest -D sock=unix:/path -D count=1000 -s dialogue.lua
-- miltertest prints nothing when a script fails; `why` goes to standard output.
local function dialogue()
  local conn = mt.connect(sock)
  if conn == nil then error("no connection") end
  local function continues(what, failed)
    if failed ~= nil then error(what .. ": " .. failed) end
    if mt.getreply(conn) ~= SMFIR_CONTINUE then error(what .. " is answered with " .. mt.getreply(conn)) end
  end
  -- miltertest names the commands up to RCPT only.
  local DATA, HEADER, EOH, BODY, EOM = ("TLNBE"):byte(1, 5)
  local id = "4F7A21C0D3"
  local fields = {
    { "From", "Sender <sender@example.org>" },
    { "To", "Recipient <rcpt@example.net>" },
    { "Subject", "test" },
    { "Date", "Sun, 01 Aug 2004 12:00:00 +0000" },
    { "Message-ID", "<1@example.org>" },
  }
  mt.macro(conn, SMFIC_CONNECT, "j", "mx.example.com", "v", "Postfix 3.7.11", "_", "client.example.org [192.0.2.1]")
  continues("connect", mt.conninfo(conn, "client.example.org", "192.0.2.1"))
  continues("helo", mt.helo(conn, "client.example.org"))
  for _ = 1, tonumber(count) do
    mt.macro(conn, SMFIC_MAIL, "{mail_addr}", "sender@example.org", "{mail_host}", "example.org", "{mail_mailer}", "smtp")
    continues("mail", mt.mailfrom(conn, "<sender@example.org>"))
    mt.macro(conn, SMFIC_RCPT, "{rcpt_addr}", "rcpt@example.net", "{rcpt_host}", "example.net", "{rcpt_mailer}", "relay")
    continues("rcpt", mt.rcptto(conn, "<rcpt@example.net>"))
    mt.macro(conn, DATA, "i", id)
    continues("data", mt.data(conn))
    for _, field in ipairs(fields) do
      mt.macro(conn, HEADER, "i", id)
      continues("header", mt.header(conn, field[1], field[2]))
    end
    mt.macro(conn, EOH, "i", id)
    continues("eoh", mt.eoh(conn))
    mt.macro(conn, BODY, "i", id)
    continues("body", mt.bodystring(conn, "Hello.\r\n"))
    mt.macro(conn, EOM, "i", id)
    continues("eom", mt.eom(conn))
    -- One as after a message, one as before the client goes.
    mt.abort(conn)
    mt.abort(conn)
  end
  mt.disconnect(conn)
end
local done, why = pcall(dialogue)
if not done then
  mt.echo(tostring(why))
  error(why)
end

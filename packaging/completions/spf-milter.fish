# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_spf_milter_global_optspecs
    string join \n config= listen= resolver= user= group= pid-file= h/help V/version
end

function __fish_spf_milter_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_spf_milter_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_spf_milter_using_subcommand
    set -l cmd (__fish_spf_milter_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c spf-milter -n "__fish_spf_milter_needs_command" -l config -d 'Configuration file; without one all settings have safe defaults' -r -F
complete -c spf-milter -n "__fish_spf_milter_needs_command" -l listen -d 'Where the MTA connects: unix:/path, inet:port@host or inet6:port@host [overrides `listen`]' -r
complete -c spf-milter -n "__fish_spf_milter_needs_command" -l resolver -d 'Recursive name server; give it again for a second one [overrides `resolver`]' -r
complete -c spf-milter -n "__fish_spf_milter_needs_command" -l user -d 'Who to become once the sockets are there: a name or a number [overrides `process.user`]' -r
complete -c spf-milter -n "__fish_spf_milter_needs_command" -l group -d 'The group, if it is not that of the user [overrides `process.group`]' -r
complete -c spf-milter -n "__fish_spf_milter_needs_command" -l pid-file -d 'Where to write the number of the process [overrides `process.pid_file`]' -r -F
complete -c spf-milter -n "__fish_spf_milter_needs_command" -s h -l help -d 'Print help'
complete -c spf-milter -n "__fish_spf_milter_needs_command" -s V -l version -d 'Print version'
complete -c spf-milter -n "__fish_spf_milter_needs_command" -f -a "run" -d 'Serve the MTA (what happens without a command)'
complete -c spf-milter -n "__fish_spf_milter_needs_command" -f -a "check" -d 'Check one client and sender, and say what comes out and why'
complete -c spf-milter -n "__fish_spf_milter_needs_command" -f -a "lint" -d 'Look for mistakes in an SPF record'
complete -c spf-milter -n "__fish_spf_milter_needs_command" -f -a "config-check" -d 'Say whether a configuration file is good, or what is wrong with it'
complete -c spf-milter -n "__fish_spf_milter_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand run" -l config -d 'Configuration file; without one all settings have safe defaults' -r -F
complete -c spf-milter -n "__fish_spf_milter_using_subcommand run" -l listen -d 'Where the MTA connects: unix:/path, inet:port@host or inet6:port@host [overrides `listen`]' -r
complete -c spf-milter -n "__fish_spf_milter_using_subcommand run" -l resolver -d 'Recursive name server; give it again for a second one [overrides `resolver`]' -r
complete -c spf-milter -n "__fish_spf_milter_using_subcommand run" -l user -d 'Who to become once the sockets are there: a name or a number [overrides `process.user`]' -r
complete -c spf-milter -n "__fish_spf_milter_using_subcommand run" -l group -d 'The group, if it is not that of the user [overrides `process.group`]' -r
complete -c spf-milter -n "__fish_spf_milter_using_subcommand run" -l pid-file -d 'Where to write the number of the process [overrides `process.pid_file`]' -r -F
complete -c spf-milter -n "__fish_spf_milter_using_subcommand run" -s h -l help -d 'Print help'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand check" -l ip -d 'Address of the SMTP client' -r
complete -c spf-milter -n "__fish_spf_milter_using_subcommand check" -l mail-from -d 'Envelope sender; <> or an empty text for the null sender, which is checked as postmaster at the HELO name' -r
complete -c spf-milter -n "__fish_spf_milter_using_subcommand check" -l helo -d 'Name from HELO or EHLO; alone it is the identity to check [default: the sender\'s domain]' -r
complete -c spf-milter -n "__fish_spf_milter_using_subcommand check" -l receiver -d 'Name of the receiving host, for the header and %{r} [default: this host\'s name]' -r
complete -c spf-milter -n "__fish_spf_milter_using_subcommand check" -l resolver -d 'Recursive name server to ask [default: those of /etc/resolv.conf]' -r
complete -c spf-milter -n "__fish_spf_milter_using_subcommand check" -l zone -d 'Ask nobody: answer from this zone file' -r -F
complete -c spf-milter -n "__fish_spf_milter_using_subcommand check" -l explain -d 'Draw the evaluation as a tree: terms, DNS questions and answers, counts, times'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand check" -l json -d 'Write JSON'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand check" -s h -l help -d 'Print help'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand lint" -l domain -d 'The domain that a record given as text is for: %{d} and bare a, mx and ptr mean it' -r
complete -c spf-milter -n "__fish_spf_milter_using_subcommand lint" -l resolver -d 'Recursive name server to ask [default: those of /etc/resolv.conf]' -r
complete -c spf-milter -n "__fish_spf_milter_using_subcommand lint" -l zone -d 'Ask nobody: answer from this zone file' -r -F
complete -c spf-milter -n "__fish_spf_milter_using_subcommand lint" -l strict -d 'Treat warnings as errors'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand lint" -l json -d 'Write JSON'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand lint" -s h -l help -d 'Print help'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand config-check" -l print -d 'Print the configuration as it is in force, with the defaults'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand config-check" -l strict -d 'Treat warnings as errors'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand config-check" -s h -l help -d 'Print help'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand help; and not __fish_seen_subcommand_from run check lint config-check help" -f -a "run" -d 'Serve the MTA (what happens without a command)'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand help; and not __fish_seen_subcommand_from run check lint config-check help" -f -a "check" -d 'Check one client and sender, and say what comes out and why'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand help; and not __fish_seen_subcommand_from run check lint config-check help" -f -a "lint" -d 'Look for mistakes in an SPF record'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand help; and not __fish_seen_subcommand_from run check lint config-check help" -f -a "config-check" -d 'Say whether a configuration file is good, or what is wrong with it'
complete -c spf-milter -n "__fish_spf_milter_using_subcommand help; and not __fish_seen_subcommand_from run check lint config-check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'

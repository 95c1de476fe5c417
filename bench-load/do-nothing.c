/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A filter on libmilter that looks at nothing: it takes the same events as spf-milter and inserts one constant field; or, with
   `all` behind the socket, it takes every event, asks for a macro that nobody sends at each, and changes nothing. */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>

static int looks_up;

/* What libmilter makes of odd macros shows when somebody looks for one. */
static void look_up(SMFICTX *ctx) {
    if (looks_up)
        (void)smfi_getsymval(ctx, "{nobody_sends_this}");
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address) {
    (void)host, (void)address;
    look_up(ctx);
    return SMFIS_CONTINUE;
}

static sfsistat on_helo(SMFICTX *ctx, char *name) {
    (void)name;
    look_up(ctx);
    return SMFIS_CONTINUE;
}

static sfsistat on_envelope(SMFICTX *ctx, char **words) {
    (void)words;
    look_up(ctx);
    return SMFIS_CONTINUE;
}

static sfsistat on_end_of_message(SMFICTX *ctx) {
    smfi_insheader(ctx, 0, "Received-SPF",
                   "pass (mx.example.net: domain of alice@d0.example designates 192.0.2.10 as permitted sender)\n"
                   "\tclient-ip=192.0.2.10; envelope-from=\"alice@d0.example\";\n"
                   "\thelo=client.example; identity=mailfrom;\n"
                   "\tmechanism=\"ip4:192.0.2.10\"; receiver=mx.example.net");
    return SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value) {
    (void)name, (void)value;
    look_up(ctx);
    return SMFIS_CONTINUE;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t length) {
    (void)chunk, (void)length;
    look_up(ctx);
    return SMFIS_CONTINUE;
}

static sfsistat on_other(SMFICTX *ctx) {
    look_up(ctx);
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv) {
    struct smfiDesc filter = {.xxfi_name = "do-nothing",
                              .xxfi_version = SMFI_VERSION,
                              .xxfi_flags = SMFIF_ADDHDRS,
                              .xxfi_connect = on_connect,
                              .xxfi_helo = on_helo,
                              .xxfi_envfrom = on_envelope,
                              .xxfi_envrcpt = on_envelope,
                              .xxfi_eom = on_end_of_message};
    if (argc == 3 && strcmp(argv[2], "all") == 0) {
        looks_up = 1;
        filter.xxfi_data = filter.xxfi_eoh = filter.xxfi_eom = on_other;
        filter.xxfi_header = on_header;
        filter.xxfi_body = on_body;
        argc = 2;
    }
    if (argc != 2 || smfi_setconn(argv[1]) == MI_FAILURE || smfi_register(filter) == MI_FAILURE) {
        fprintf(stderr, "usage: %s SOCKET [all]\n", argv[0]);
        return 64;
    }
    return smfi_main();
}

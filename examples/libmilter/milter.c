/* Refuses names without a dot, counts recipients, and holds what is too well addressed. To show how a milter in C is tested. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmilter/mfapi.h>

enum { MOST_RECIPIENTS = 3 };

struct mail {
    int recipients;
};

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    if (strchr(name, '.') != NULL)
        return SMFIS_CONTINUE;
    smfi_setreply(ctx, "501", "5.5.2", "a name with a dot, please");
    return SMFIS_REJECT;
}

static sfsistat on_mail(SMFICTX *ctx, char **args)
{
    struct mail *mail = smfi_getpriv(ctx);

    (void)args;
    if (mail == NULL && (mail = malloc(sizeof *mail)) == NULL)
        return SMFIS_TEMPFAIL;
    mail->recipients = 0;
    smfi_setpriv(ctx, mail);
    return SMFIS_CONTINUE;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **args)
{
    struct mail *mail = smfi_getpriv(ctx);

    (void)args;
    if (++mail->recipients <= MOST_RECIPIENTS)
        return SMFIS_CONTINUE;
    smfi_setmlreply(ctx, "452", "4.5.3", "too many recipients", "come back for the others", NULL);
    return SMFIS_TEMPFAIL;
}

static sfsistat on_eom(SMFICTX *ctx)
{
    struct mail *mail = smfi_getpriv(ctx);
    char *id = smfi_getsymval(ctx, "i");
    char text[128];

    snprintf(text, sizeof text, "%d recipients, id %s", mail->recipients, id == NULL ? "unknown" : id);
    smfi_insheader(ctx, 1, "X-Counted", text);
    if (mail->recipients == MOST_RECIPIENTS)
        smfi_quarantine(ctx, "many recipients");
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    free(smfi_getpriv(ctx));
    smfi_setpriv(ctx, NULL);
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    static struct smfiDesc milter = {
        .xxfi_name = "count",
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_ADDHDRS | SMFIF_QUARANTINE,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_eom = on_eom,
        .xxfi_close = on_close,
    };

    if (argc != 2 || smfi_setconn(argv[1]) == MI_FAILURE || smfi_register(milter) == MI_FAILURE)
        return 64;
    return smfi_main() == MI_SUCCESS ? 0 : 1;
}

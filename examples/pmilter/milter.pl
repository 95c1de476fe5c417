# Refuses a recipient, sends a copy of what a user asks for, and signs short messages. To show how a milter in Perl is tested.

use strict;
use warnings;

use Sendmail::PMilter qw(:all);

my %callbacks = (
    envfrom => sub {
        my ($ctx) = @_;
        $ctx->setpriv({ body => '' });
        return SMFIS_CONTINUE;
    },
    envrcpt => sub {
        my ($ctx, $to) = @_;
        if ($to =~ /^<?nobody\@/i) {
            $ctx->setreply('550', '5.1.1', 'nobody lives here');
            return SMFIS_REJECT;
        }
        return $to =~ /^<?full\@/i ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
    },
    header => sub {
        my ($ctx, $name, $value) = @_;
        $ctx->getpriv()->{copy} = $value if lc $name eq 'x-copy-to';
        return SMFIS_CONTINUE;
    },
    body => sub {
        my ($ctx, $chunk) = @_;
        $ctx->getpriv()->{body} .= $chunk;
        return SMFIS_CONTINUE;
    },
    eom => sub {
        my ($ctx) = @_;
        my $mail = $ctx->getpriv();
        if (defined $mail->{copy}) {
            $ctx->addrcpt("<$mail->{copy}>");
            $ctx->chgheader('X-Copy-To', 1, '');
        }
        $ctx->replacebody($mail->{body} . "-- \r\nsigned\r\n") if length $mail->{body} < 100;
        return SMFIS_CONTINUE;
    },
);

my $milter = Sendmail::PMilter->new();
$milter->setconn($ARGV[0]);
$milter->register('copy', \%callbacks, SMFI_CURR_ACTS);
$milter->set_dispatcher(Sendmail::PMilter::postfork_dispatcher());
$milter->main();

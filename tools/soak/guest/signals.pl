# Hashes and strings while a timer and another process interrupt it.
use strict;
my ($rounds) = @ARGV;

# setitimer(2) of ITIMER_REAL, once, by its number on arm64.
sub timer { syscall(103, 0, pack('q4', 0, 0, 0, $_[0]), 0) == 0 or die "setitimer: $!" }

my ($alarms, $users, %seen) = (0, 0);
$SIG{ALRM} = sub { $alarms++; timer(500 + int rand 4000) };
$SIG{USR1} = sub { $users++ };
timer(1000);
open(my $ready, '>', 'ready');
my ($sum, $text, $number) = (0, '', 1.5);
for my $i (1 .. $rounds) {
  $sum = ($sum * 69069 + $i) % 4294967296;
  $number = sqrt($number * 3.25 + $i);
  $seen{$sum % 1009} .= chr(97 + $i % 26);
  $text = substr(join('-', reverse(split //, $text . $i)), 0, 40) if $i % 16 == 0;
}
timer(0);
my $length = 0;
$length += length for values %seen;
$| = 1;
printf "%d %s %.17g %d %s\n", $sum, $text, $number, $length, $alarms > 0 ? 'interrupted' : 'undisturbed';
# At its end perl takes its handlers back, but what is ignored stays so.
$SIG{USR1} = 'IGNORE';
exec '/usr/bin/true';

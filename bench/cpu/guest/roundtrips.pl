# A byte goes to and fro between two processes.
use strict;
my ($count) = @ARGV;
pipe(my $in1, my $out1) or die;
pipe(my $in2, my $out2) or die;
my $byte = 'a';
my $child = fork() // die;
if ($child == 0) {
  for (1 .. $count) {
    sysread($in1, $byte, 1) == 1 or die;
    syswrite($out2, chr((ord($byte) + 1) & 255));
  }
  exit 0;
}
for (1 .. $count) {
  syswrite($out1, $byte);
  sysread($in2, $byte, 1) == 1 or die;
}
waitpid($child, 0);
print ord($byte), " $?\n";

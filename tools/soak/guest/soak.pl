# Runs jobs side by side, each in a folder of its own, and says what became of them, a line each:
#   @job NAME STATUS MD5        MD5 of what it printed; STATUS is 255 if it wrote to its standard error
#   @end                        all have ended
# soak.pl SEED SECONDS JOBS NAME...    random jobs for some seconds, so many at once, which get signals; with SEED 0, each of them
#                                      once and undisturbed
use strict;
use POSIX ();
$| = 1;
my ($seed, $seconds, $jobs, @names) = @ARGV;
srand($seed);
my $end = time + $seconds;
my (%running, $count);

sub start {
  my ($name) = @_;
  my $folder = '/tmp/job' . ++$count;
  mkdir $folder or die "$folder: $!";
  my $pid = fork // die "fork: $!";
  if ($pid == 0) {
    setpgrp;
    chdir $folder;
    open(STDIN, '<', '/dev/null');
    open(STDOUT, '>', "$folder.printed");
    open(STDERR, '>', "$folder.errors");
    exec 'dash', '-e', "/bench/run/$name";
    POSIX::_exit(127);
  }
  $running{$pid} = { name => $name, folder => $folder, stopped => 0 };
}

sub report {
  my ($pid, $status) = @_;
  my ($name, $folder) = @{delete $running{$pid}}{qw(name folder)};
  $status = $status & 127 ? 128 + ($status & 127) : $status >> 8;
  if (-s "$folder.errors") {
    $status = 255;
    system "sed 's/^/$name: /' $folder.errors >&2";
  }
  my ($sum) = split / /, `md5sum < $folder.printed`;
  print "\@job $name $status $sum\n";
  system 'rm', '-rf', $folder, "$folder.printed", "$folder.errors";
}

# What a program that does nothing about signals survives; those called signals-... have handlers besides.
sub signal {
  my @pids = sort keys %running or return;
  my $pid = $pids[rand @pids];
  my $job = $running{$pid};
  if ($job->{stopped}) {
    kill 'CONT', -$pid;
    $job->{stopped} = 0;
  } elsif (rand() < 0.3) {
    kill 'STOP', -$pid;
    $job->{stopped} = 1;
  } elsif ($job->{name} =~ /^signals-/) {
    kill 'USR1', $pid if -e "$job->{folder}/ready";
  } else {
    kill rand() < 0.5 ? 'WINCH' : 'URG', -$pid;
  }
}

while (1) {
  if ($seed == 0) {
    start(shift @names) if @names && !%running;
  } else {
    start($names[rand @names]) while time < $end && keys %running < $jobs;
  }
  while ((my $pid = waitpid(-1, POSIX::WNOHANG)) > 0) { report($pid, $?) if $running{$pid} }
  last unless %running || (@names && $seed == 0);
  signal() if $seed != 0;
  select(undef, undef, undef, rand 0.03);
}
print "\@end\n";

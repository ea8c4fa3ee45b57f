# Regular expressions, substitution and hashes.
use strict;
my ($file, $limit) = @ARGV;
open(my $in, '<', $file) or die;
my (%seen, $vowels, $pairs);
while (my $line = <$in>) {
  last if $. > $limit;
  chomp $line;
  $vowels += ($line =~ tr/aeiou//);
  while ($line =~ /\b([a-z]+)([aeiou])([^aeiou\s]+)\b/g) { $seen{"$1-$3"}++; }
  (my $swapped = $line) =~ s/(\w+) (\w+)/$2 $1/g;
  $pairs += () = $swapped =~ /(.)\1/g;
  $seen{join ' ', (sort split / /, $swapped)[0, 1]}++;
}
my @top = (sort { $seen{$b} <=> $seen{$a} || $a cmp $b } keys %seen)[0 .. 9];
print "$vowels $pairs ", scalar(keys %seen), "\n", map { "$_ $seen{$_}\n" } @top;

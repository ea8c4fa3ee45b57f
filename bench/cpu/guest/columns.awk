# Groups and sums the rows of a table.
{
  key = substr($1, 1, 2)
  count[key]++
  sum[key] += $2
  if (length($1) > longest[key]) longest[key] = length($1)
  gsub(/[aeiou]/, "-", $1)
  shape[$1]++
}
END {
  for (key in count) print key, count[key], sum[key], longest[key] | "sort"
  close("sort")
  n = 0
  for (s in shape) if (shape[s] > 3) n += shape[s]
  print n
}

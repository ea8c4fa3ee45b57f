# Places queens on a board of $1 rows, none of which attacks another; counts the ways.
size=$1 ways=0 row=0 column0=0
while [ $row -ge 0 ]; do
  eval "column=\$column$row"
  if [ $column -ge $size ]; then
    row=$((row - 1))
    [ $row -ge 0 ] && eval "column$row=\$((column$row + 1))"
    continue
  fi
  other=0 free=1
  while [ $other -lt $row ]; do
    eval "taken=\$column$other"
    distance=$((row - other))
    if [ $taken -eq $column ] || [ $((taken - column)) -eq $distance ] || [ $((column - taken)) -eq $distance ]; then
      free=0
      break
    fi
    other=$((other + 1))
  done
  if [ $free -eq 0 ]; then
    eval "column$row=\$((column + 1))"
  elif [ $row -eq $((size - 1)) ]; then
    ways=$((ways + 1))
    eval "column$row=\$((column + 1))"
  else
    row=$((row + 1))
    eval "column$row=0"
  fi
done
echo $ways

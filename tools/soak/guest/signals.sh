# Arithmetic of bash and pipes while another process interrupts it.
count=0
trap 'count=$((count + 1))' USR1
: > ready
sum=1
i=0
while [ $i -lt "$1" ]; do
  sum=$(((sum * 1103515245 + i) % 2147483648))
  i=$((i + 1))
done
echo "$sum $(printf '%s' "$sum" | tr 0-9 a-j)"
trap '' USR1

-- The most flips that bring 1 to the front of any permutation, and an alternating sum of all: whole numbers in arrays.
local n = tonumber(arg[1])
local perm, work, count = {}, {}, {}
for i = 1, n do perm[i] = i; count[i] = i end
local most, sum, sign = 0, 0, 1
while true do
  if perm[1] ~= 1 then
    for i = 1, n do work[i] = perm[i] end
    local flips = 0
    local first = work[1]
    while first ~= 1 do
      local i, j = 1, first
      while i < j do work[i], work[j] = work[j], work[i]; i = i + 1; j = j - 1 end
      flips = flips + 1
      first = work[1]
    end
    sum = sum + sign * flips
    if flips > most then most = flips end
  end
  if sign == 1 then
    perm[1], perm[2] = perm[2], perm[1]
    sign = -1
  else
    perm[2], perm[3] = perm[3], perm[2]
    sign = 1
    local i = 3
    while count[i] == 1 do
      count[i] = i
      i = i + 1
      if i > n then print(most, sum); os.exit(0) end
      local first = perm[1]
      for k = 1, i - 1 do perm[k] = perm[k + 1] end
      perm[i] = first
    end
    count[i] = count[i] - 1
  end
end

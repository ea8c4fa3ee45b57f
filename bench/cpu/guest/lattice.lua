-- A spring lattice, integrated: floating point alone.
local n, steps = tonumber(arg[1]), tonumber(arg[2])
local x, v = {}, {}
for i = 0, n + 1 do x[i] = 0.0; v[i] = 0.0 end
x[n // 2] = 1.0
local dt, nonlinear = 0.05, 0.25
for _ = 1, steps do
  for i = 1, n do
    local left, right = x[i] - x[i - 1], x[i + 1] - x[i]
    v[i] = v[i] + dt * (right - left + nonlinear * (right * right * right - left * left * left))
  end
  for i = 1, n do x[i] = x[i] + dt * v[i] end
end
local energy = 0.0
for i = 0, n do
  local d = x[i + 1] - x[i]
  energy = energy + 0.5 * v[i] * v[i] + 0.5 * d * d + 0.25 * nonlinear * d * d * d * d
end
print(string.format("%a %a", energy, x[n // 2]))

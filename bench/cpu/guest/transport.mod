# The cheapest way to bring goods from sources to sinks, with costs and limits that look arbitrary.
param sources := 50;
param sinks := 60;
set I := 1 .. sources;
set J := 1 .. sinks;
param cost {i in I, j in J} := 10 + (i * i * 31 + j * j * 17 + i * j * 7) mod 97 + ((i * 13 + j * 29) mod 11) / 7;
param supply {i in I} := 60 + (i * 37) mod 41;
param demand {j in J} := 30 + (j * 23) mod 29;
param weight {i in I, j in J} := 1 + ((i * 5 + j * 3) mod 13) / 10;
var x {I, J} >= 0;
minimize total: sum {i in I, j in J} cost[i, j] * x[i, j];
s.t. from {i in I}: sum {j in J} x[i, j] <= supply[i];
s.t. to {j in J}: sum {i in I} x[i, j] >= demand[j];
s.t. road {i in I, j in J : (i + j) mod 3 = 0}: x[i, j] <= 9;
s.t. load {k in 0 .. 9}: sum {i in I, j in J : (i + j) mod 10 = k} weight[i, j] * x[i, j] <= 320;
solve;
printf "%.6f\n", total > "result";
end;

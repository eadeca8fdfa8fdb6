# Tells whether a column of samples is flat: whether its growth over the run, without the first third, in which caches fill, is at
# most a share of its mean. The growth is that of the line of least squares, so that no single sample decides. Exits with 1 where
# it is not flat, and with 2 where there are too few samples to say.
#
#   awk -v name=memory -v column=2 -v allowed=0.25 -v floor=0 -f flat.awk samples
#
# The first column is the time in seconds. What is allowed is a share of the mean or of floor, whichever is more: near zero a share
# of the mean is nothing. Uncorrelated noise of s moves the growth found in n samples by about 3.5 s/√n: with 40 samples half a
# share of noise has to be four times as large as it may be to be taken for growth.
{ x[NR] = $1; y[NR] = $column }
END {
	from = int(NR / 3) + 1
	n = NR - from + 1
	if (n < 10) {
		printf "%s: %d samples are too few to say whether it is flat\n", name, NR
		exit 2
	}
	for (i = from; i <= NR; i++) { sx += x[i]; sy += y[i] }
	for (i = from; i <= NR; i++) { sxy += (x[i] - sx / n) * (y[i] - sy / n); sxx += (x[i] - sx / n) ^ 2 }
	growth = sxx > 0 ? sxy / sxx * (x[NR] - x[from]) : 0
	mean = sy / n
	most = allowed * (mean > floor ? mean : floor)
	printf "%s: mean %.1f, growth %.1f of at most %.1f over the last two thirds of the run\n", name, mean, growth, most
	exit growth > most
}

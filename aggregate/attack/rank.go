package attack

import "math/bits"

// prime is 2⁶¹ − 1. Elimination modulo a prime is exact and never overflows; what is determined over
// the rational numbers is determined modulo the prime, too, unless the prime divides a subdeterminant
// of the matrix of zeros and ones, which for matrices as they come up here is as good as impossible.
const prime = 1<<61 - 1

func mul(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	sum := (hi<<3 | lo>>61) + lo&prime
	if sum >= prime {
		sum -= prime
	}
	return sum
}

func sub(a, b uint64) uint64 {
	if a >= b {
		return a - b
	}
	return a + prime - b
}

// inverse is the inverse of a ≠ 0 (Fermat).
func inverse(a uint64) uint64 {
	result, base := uint64(1), a
	for e := uint64(prime - 2); e > 0; e >>= 1 {
		if e&1 == 1 {
			result = mul(result, base)
		}
		base = mul(base, base)
	}
	return result
}

// determined tells for each column whether the unit vector of that column is a combination of the
// matrix's rows: whether the numbers determine that class's count. It brings the rows into reduced
// echelon form, where such a vector is a row of its own.
func determined(matrix [][]int8) []bool {
	if len(matrix) == 0 {
		return nil
	}
	columns := len(matrix[0])
	rows := make([][]uint64, len(matrix))
	for i, r := range matrix {
		rows[i] = make([]uint64, columns)
		for j, v := range r {
			rows[i][j] = uint64(v)
		}
	}
	rank := 0
	for column := 0; column < columns && rank < len(rows); column++ {
		if pivotTo(rows, rank, column) {
			rank++
		}
	}
	out := make([]bool, columns)
	for _, row := range rows[:rank] {
		at, entries := 0, 0
		for j, v := range row {
			if v != 0 {
				at, entries = j, entries+1
			}
		}
		out[at] = out[at] || entries == 1
	}
	return out
}

// pivotTo makes column a unit vector with its one in row to; ok is false where the column is zero from
// there on.
func pivotTo(rows [][]uint64, to, column int) (ok bool) {
	from := to
	for from < len(rows) && rows[from][column] == 0 {
		from++
	}
	if from == len(rows) {
		return false
	}
	rows[to], rows[from] = rows[from], rows[to]
	pivot := rows[to]
	if scale := inverse(pivot[column]); scale != 1 {
		for j := range pivot {
			pivot[j] = mul(pivot[j], scale)
		}
	}
	for i, row := range rows {
		if factor := row[column]; i != to && factor != 0 {
			for j, v := range pivot {
				if v != 0 {
					row[j] = sub(row[j], mul(factor, v))
				}
			}
		}
	}
	return true
}

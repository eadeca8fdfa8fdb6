package attack

import (
	"errors"
	"math"
)

// tiny is what counts as zero: the data are zeros, ones and sums of counts that were scaled to one.
const tiny = 1e-9

// program is a linear program over x ≥ 0 with matrix · x = matrix · start: all counts that make the same
// published numbers as start does. It is a dense tableau; parts are small.
type program struct {
	rows, columns int
	// table has, for each row, the columns, then the inverse of the basis, then the right-hand side.
	table [][]float64
	basis []int // the column that is basic in a row; rows + columns for none
}

var errPivots = errors.New("the linear program does not come to an end")

// newProgram finds a first solution (phase one with an artificial variable for each row).
func newProgram(matrix [][]int8, start []float64) (*program, error) {
	p := &program{rows: len(matrix), columns: len(start)}
	for i, row := range matrix {
		line := make([]float64, p.columns+p.rows+1)
		for j, v := range row {
			line[j] = float64(v)
			line[p.columns+p.rows] += float64(v) * start[j]
		}
		line[p.columns+i] = 1
		p.table = append(p.table, line)
		p.basis = append(p.basis, p.columns+i)
	}
	cost := make([]float64, p.columns+p.rows)
	for i := range p.rows {
		cost[p.columns+i] = -1
	}
	if _, err := p.maximize(cost, p.columns); err != nil {
		return nil, err
	}
	p.dropArtificial()
	return p, nil
}

// dropArtificial brings artificial variables that are basic at zero out of the basis where their row
// allows it. A row that does not is a combination of others: it stays and says nothing.
func (p *program) dropArtificial() {
	for i, b := range p.basis {
		if b < p.columns {
			continue
		}
		for j := range p.columns {
			if math.Abs(p.table[i][j]) > 1e-7 {
				p.pivot(i, j)
				break
			}
		}
	}
}

// maximize finds the largest value of cost · x; only the first allowed columns may become basic. y are
// the dual values: coefficients of the rows.
func (p *program) maximize(cost []float64, allowed int) (y []float64, err error) {
	most := 50 * (p.rows + p.columns)
	for step := range most {
		reduced := p.reduced(cost, allowed)
		enter := p.entering(reduced, step > most/2)
		if enter < 0 {
			return p.duals(cost), nil
		}
		leave := p.leaving(enter)
		if leave < 0 {
			return nil, errors.New("the linear program is unbounded: a group that no number holds")
		}
		p.pivot(leave, enter)
	}
	return nil, errPivots
}

// reduced are the reduced costs.
func (p *program) reduced(cost []float64, allowed int) []float64 {
	r := make([]float64, allowed)
	copy(r, cost[:allowed])
	for i, b := range p.basis {
		if c := cost[b]; c != 0 {
			for j := range r {
				r[j] -= c * p.table[i][j]
			}
		}
	}
	return r
}

// entering is the column with the largest reduced cost, or, against cycling, the first positive one
// (Bland's rule); −1 where there is none.
func (p *program) entering(reduced []float64, bland bool) int {
	best, at := tiny, -1
	for j, r := range reduced {
		if r > best {
			best, at = r, j
			if bland {
				break
			}
		}
	}
	return at
}

func (p *program) leaving(enter int) int {
	at, least := -1, math.Inf(1)
	last := p.columns + p.rows
	for i, row := range p.table {
		v := row[enter]
		if v <= 1e-7 {
			// A row that says nothing must not hold an artificial variable above zero.
			if p.basis[i] < p.columns || v >= -1e-7 || row[last] > tiny {
				continue
			}
			return i
		}
		if ratio := row[last] / v; ratio < least-tiny || ratio < least+tiny && at >= 0 && p.basis[i] < p.basis[at] {
			at, least = i, min(ratio, least)
		}
	}
	return at
}

func (p *program) pivot(row, column int) {
	line := p.table[row]
	scale := 1 / line[column]
	for j := range line {
		line[j] *= scale
	}
	for i, other := range p.table {
		factor := other[column]
		if i == row || factor == 0 {
			continue
		}
		for j, v := range line {
			if v != 0 {
				other[j] -= factor * v
			}
		}
		other[column] = 0
	}
	p.basis[row] = column
}

// duals are cost of the basis times its inverse.
func (p *program) duals(cost []float64) []float64 {
	y := make([]float64, p.rows)
	for i, b := range p.basis {
		if c := cost[b]; c != 0 {
			for j := range y {
				y[j] += c * p.table[i][p.columns+j]
			}
		}
	}
	return y
}

// value is that of a column in the present solution.
func (p *program) value(column int) float64 {
	for i, b := range p.basis {
		if b == column {
			return p.table[i][p.columns+p.rows]
		}
	}
	return 0
}

package aggregate

import (
	"context"

	"throng"
	"throng/aggregate/ledger"
)

// Draws is the mechanism, as tests replace it to see what is passed to it.
type Draws = draws

// SetMechanism replaces the mechanism of all releases that c draws.
func (c *Closer) SetMechanism(f func(throng.Parameters) (Draws, error)) { c.mechanism = f }

// LevelOf is the level at which a key is gated.
var LevelOf = levelOf

// Partition draws the rows of one site, without ledger and files.
func Partition(store Store, day throng.Day, site string, key [ledger.KeyBytes]byte, d Draws) ([]throng.Row, error) {
	cells, err := store.Cells(context.Background(), day)
	if err != nil {
		return nil, err
	}
	t, err := newTree([]string{site}, [][ledger.KeyBytes]byte{key}, cells)
	if err != nil {
		return nil, err
	}
	c := &census{store: store, day: day, tree: t, workers: 2}
	r := &draft{draws: d}
	err = c.partition(context.Background(), []*draft{r})
	return r.rows, err
}

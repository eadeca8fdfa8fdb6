package aggregate

import (
	"context"

	"throng"
	"throng/aggregate/dp"
	"throng/aggregate/ledger"
	"throng/internal/durable"
)

// Draws is the mechanism, as tests replace it to see what is passed to it.
type Draws = draws

// SetMechanism replaces the mechanism of all releases that c draws.
func (c *Closer) SetMechanism(f func(throng.ReleaseID, throng.Parameters) (Draws, error)) {
	c.mechanism = f
}

// SetDisk replaces the disk that releases are written to.
func (c *Closer) SetDisk(d durable.Disk) { c.disk = d }

// LevelOf is the level at which a key is gated.
var LevelOf = levelOf

// Drawn is what a partition makes of one table.
type Drawn struct {
	Rows     []throng.Row
	OptedOut []throng.OptedOut
	Clipped  throng.Measure
	Bots     throng.Measure
}

// Partition draws a site's path table, without ledger and files, and folds what a day leaves.
func Partition(store Store, of throng.Period, site string, key [ledger.KeyBytes]byte, d Draws) (Drawn, error) {
	return PartitionIn(store, of, site, key, d, 1<<30)
}

// PartitionIn is Partition with a limit to the memory for devices.
func PartitionIn(store Store, of throng.Period, site string, key [ledger.KeyBytes]byte, d Draws, memory int64) (Drawn, error) {
	p, err := dp.Calibrate(dp.Budget{K: 1, Watermark: "test"}, of.Kind(), throng.PathTable, throng.PathTable)
	if err != nil {
		return Drawn{}, err
	}
	cells, err := store.Cells(context.Background(), of)
	if err != nil {
		return Drawn{}, err
	}
	r := &draft{id: throng.ReleaseID{Site: site, Table: throng.PathTable, Period: of}, account: ledger.Account{Parameters: p}, key: key, draws: d}
	for _, c := range cells { // those who opted out can be on every page
		r.routes = append(r.routes, c.Key)
	}
	t, err := newTree([]*draft{r}, cells)
	if err != nil {
		return Drawn{}, err
	}
	c := &census{store: store, period: of, tree: t, workers: 2, memory: memory}
	if err := c.draw(context.Background(), []*draft{r}); err != nil {
		return Drawn{}, err
	}
	if of.Kind() == throng.DayPeriod {
		published := map[string]bool{}
		for _, row := range r.rows {
			published[row.Key] = true
		}
		t.settle([]map[string]bool{published})
		err = c.fold(context.Background(), cells)
	}
	return Drawn{r.rows, r.optedOut, r.clipped, r.bots}, err
}

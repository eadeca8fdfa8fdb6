package aggregate

import (
	"context"
	"time"

	"throng"
)

// Store holds the visits of open periods: those of a day, and those that the days of a span have folded.
// Its methods may be called at the same time.
type Store interface {
	// Cells is the text of every cell of a day, or of those folded in a span. A cell can come more than
	// once.
	Cells(ctx context.Context, of throng.Period) ([]throng.CellKey, error)
	// CountUnits is about how many rows Units yields for all units of the period.
	CountUnits(ctx context.Context, of throng.Period) (uint64, error)
	// Units yields the period's units with lo ≤ unit ≤ hi, in any order, and others of the period among them if
	// that is less work; rows of one (unit, cell) can be many and differ in OptedOut and Network. The batch belongs to the store again when yield returns. An error
	// of yield ends the call and is returned.
	Units(ctx context.Context, of throng.Period, lo, hi throng.UnitToken, yield func(throng.UnitRows) error) error
	// Bots yields the day's units of bots with lo ≤ unit ≤ hi, in any order and the same one more than once. The
	// batch belongs to the store again when yield returns. An error of yield ends the call and is returned.
	Bots(ctx context.Context, day throng.Day, lo, hi throng.UnitToken, yield func([]throng.BotUnit) error) error
	// Fold replaces what is folded of a day: cells, and the rows that rows hands to put, from several
	// goroutines. A batch belongs to the caller again when put returns.
	Fold(ctx context.Context, day throng.Day, cells []throng.CellKey, rows func(put func(throng.UnitRows) error) error) error
	// DropUnits drops the period's unit tokens and then its cells.
	DropUnits(ctx context.Context, of throng.Period) error
	// Tally is what became of the day's lines.
	Tally(ctx context.Context, day throng.Day) (throng.Tally, error)
	// MirrorRelease copies a release and the SHA-256 of its file, in hexadecimal, into the store. The
	// same release can come again.
	MirrorRelease(ctx context.Context, id throng.ReleaseID, sha256 string, release []byte) error

	// OpenDays are the days of which the store holds anything; closed ones may be among them.
	OpenDays(ctx context.Context) ([]throng.Day, error)
	// Feeds are the feeds with a block of that day or a later one, and the latest watermark of each.
	Feeds(ctx context.Context, since throng.Day) (map[string]time.Time, error)
	// Marks are the closing markers of the day that loaders have passed: offsets by partition.
	Marks(ctx context.Context, day throng.Day) (map[int]int64, error)
}

// Broker carries blocks to the store, and behind the last block of a day its closing markers.
type Broker interface {
	Topics(ctx context.Context) ([]string, error)
	Partitions(ctx context.Context, topic string) ([]int, error)
	// ProduceTo appends a message and returns its offset when it is acknowledged.
	ProduceTo(ctx context.Context, topic string, partition int, value []byte) (int64, error)
	// Committed are the offsets from which the group would read on, by partition.
	Committed(ctx context.Context, group, topic string) (map[int]int64, error)
}

package throng

import (
	"encoding/hex"
	"fmt"
	"time"
)

// SourceID names one generation of one file, or one stream, from which lines are read. It is drawn
// at random at first sight and says nothing about the file.
type SourceID [16]byte

// String is the id in hexadecimal.
func (s SourceID) String() string { return hex.EncodeToString(s[:]) }

// ParseSourceID is the inverse of [SourceID.String].
func ParseSourceID(s string) (id SourceID, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return SourceID{}, fmt.Errorf("parse source id: want %d hexadecimal digits", 2*len(id))
	}
	return SourceID(b), nil
}

// BlockID is the identity of a block: which bytes of which source it was made from and for which
// day. It is written durably before the block is sent, so that after a crash the same range makes
// the same identity, and it is the insert's deduplication token.
type BlockID struct {
	Source     SourceID
	Start, End uint64 // offsets of uncompressed bytes, half-open
	Day        Day
}

// String is the deduplication token.
func (id BlockID) String() string {
	return fmt.Sprintf("%s-%d-%d-%s", id.Source, id.Start, id.End, id.Day)
}

// BlockHeader describes a block. It holds no identifier.
type BlockHeader struct {
	BlockID
	// Feed is the configured name of the source, such as nginx@web1. Many files make one feed.
	Feed string
	// Watermark: every line of the feed that was written before it is in the broker. Zero is unknown.
	Watermark time.Time
	// Rows is the number of events in the block; it can be 0.
	Rows uint32
	// Rejected and Late are lines of the range that gave no event: could not be read, or belonged to
	// a day that was closed.
	Rejected, Late uint32
}

// UnitRows is a batch of open units in columns of one length.
type UnitRows struct {
	Unit     []UnitToken
	Cell     []CellID
	OptedOut []bool
	Visits   []uint32
	// Network stands for the network bucket that the visits came from; 0 is unknown.
	Network []uint64
}

// BotUnit is a device of which a record of a bot was seen.
type BotUnit struct {
	Site string
	Unit UnitToken
	// Network stands for the network bucket that the record came from.
	Network uint64
}

// CellKey is the text behind a cell.
type CellKey struct {
	Cell  CellID
	Site  string
	Table string
	Key   string
	// Holder, for a span's cells, is the published group of its day in which the visits are; "" is none.
	Holder string
}

// Tally counts what became of a day's lines.
type Tally struct{ Events, Rejected, Late uint64 }

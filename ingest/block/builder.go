package block

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/ClickHouse/ch-go/proto"

	"throng"
)

// Builder gathers events into columns. It is reused: after Reset its memory serves the next block,
// and Append allocates only while a block is larger than all before it. It is not safe for
// concurrent use.
type Builder struct {
	time     proto.ColDateTime
	site     words
	path     paths
	method   enum
	status   proto.ColUInt16
	bytes    proto.ColUInt64
	referrer words
	client   enum
	major    proto.ColUInt16
	os       enum
	country  countries
	network  proto.ColIPv6
	bot      enum
	optedOut proto.ColBool
	signal   enum
	visit    proto.ColBool
	unit     proto.ColUInt64
	cell     proto.ColUInt64
	newCell  proto.ColBool

	input []proto.InputColumn // the fields above, in the order of the schema
	// badTime counts events whose time a DateTime cannot hold.
	badTime int
}

// NewBuilder is an empty block.
func NewBuilder() *Builder {
	b := &Builder{
		site: newWords(), referrer: newWords(), path: newPaths(), country: newCountries(),
		method: newEnum(throng.MethodNames()), client: newEnum(throng.ClientNames()), os: newEnum(throng.OSNames()),
		bot: newEnum(throng.BotNames()), signal: newEnum(throng.SignalNames()),
	}
	data := []proto.ColInput{
		utc{&b.time}, &b.site, &b.path, &b.method, &b.status, &b.bytes, &b.referrer, &b.client, &b.major,
		&b.os, &b.country, &b.network, &b.bot, &b.optedOut, &b.signal, &b.visit, &b.unit, &b.cell, &b.newCell,
	}
	for i, d := range data {
		b.input = append(b.input, proto.InputColumn{Name: schema[i].Name, Data: d})
	}
	return b
}

// Append adds an event. Network must be masked. Cell must be a function of (Site, Path): paths are
// looked up by it. The strings of e are copied or kept until Reset.
func (b *Builder) Append(e *throng.Event) { b.AppendAll(unsafe.Slice(e, 1)) }

// AppendAll adds many events, which is faster: column by column, a few at a time.
func (b *Builder) AppendAll(events []throng.Event) {
	b.path.append(events)
	b.site.append(events, func(e *throng.Event) string { return e.Site })
	b.referrer.append(events, func(e *throng.Event) string { return e.Referrer })
	b.country.append(events)
	b.appendEnums(events)
	b.appendNumbers(events)
	b.appendTokens(events)
	b.appendNewCells(events)
}

func (b *Builder) appendEnums(events []throng.Event) {
	method, client, os := b.method.extend(len(events)), b.client.extend(len(events)), b.os.extend(len(events))
	bot, signal := b.bot.extend(len(events)), b.signal.extend(len(events))
	for i := range events {
		e := &events[i]
		method[i], client[i], os[i], bot[i], signal[i] = byte(e.Method), byte(e.Client), byte(e.OS), byte(e.Bot), byte(e.Signal)
	}
	for _, e := range b.enums() {
		e.check(len(events))
	}
}

func (b *Builder) appendNumbers(events []throng.Event) {
	time, status, major := extend(&b.time.Data, len(events)), extend(&b.status, len(events)), extend(&b.major, len(events))
	bytes, optedOut, visit := extend(&b.bytes, len(events)), extend(&b.optedOut, len(events)), extend(&b.visit, len(events))
	for i := range events {
		e := &events[i]
		if uint64(e.Time) > math.MaxUint32 {
			b.badTime++
		}
		time[i], status[i], major[i] = proto.DateTime(e.Time), e.Status, e.ClientMajor
		bytes[i], optedOut[i], visit[i] = e.Bytes, e.OptedOut, e.Visit
	}
}

func (b *Builder) appendTokens(events []throng.Event) {
	network, unit, cell := extend(&b.network, len(events)), extend(&b.unit, len(events)), extend(&b.cell, len(events))
	for i := range events {
		e := &events[i]
		network[i], unit[i], cell[i] = e.Network.Addr().As16(), uint64(e.Unit), uint64(e.Cell)
	}
}

// appendNewCells marks the first visit of each cell.
func (b *Builder) appendNewCells(events []throng.Event) {
	newCell, keys := extend(&b.newCell, len(events)), b.path.keys[len(b.path.keys)-len(events):]
	for i := range events {
		newCell[i] = events[i].Visit && b.path.visit(keys[i])
	}
}

// extend lengthens a column by n values and returns these, which are to be set.
func extend[C ~[]T, T any](column *C, n int) []T {
	*column = slices.Grow(*column, n)[:len(*column)+n]
	return (*column)[len(*column)-n:]
}

func (b *Builder) enums() [5]*enum { return [...]*enum{&b.method, &b.client, &b.os, &b.bot, &b.signal} }

// Rows is the number of events in the block.
func (b *Builder) Rows() int { return len(b.time.Data) }

// rowBytes is the width of a row less its dictionary keys that vary: time, status, bytes,
// client_major, network, opted_out, visit, unit, cell, new_cell and five enums.
const rowBytes = 4 + 2 + 8 + 2 + 16 + 1 + 1 + 8 + 8 + 1 + 5

// overhead bounds the message's header and checksum with the longest feed, the Native block's header,
// the names and types of the columns, and the fixed dictionaries.
const overhead = fixedBytes + checkBytes + math.MaxUint16 + 4096

// Size is an upper bound of the encoded message in bytes.
func (b *Builder) Size() int {
	keys := b.site.width() + b.path.width() + b.referrer.width() + b.country.width()
	text := b.site.textBytes() + b.path.textBytes() + b.referrer.textBytes() + b.country.textBytes()
	return overhead + b.Rows()*(rowBytes+keys) + text
}

// Encode appends the message to dst. It takes h.Rows from the builder. A block without rows is a
// header only. Encode leaves the builder as it is, so that the same bytes can be made again.
//
// An error means that the builder holds an event that cannot be written (a time before 1970 or after
// 2106, a value outside of its vocabulary) or that h.Feed is too long; dst is then returned as it was.
func (b *Builder) Encode(dst []byte, h throng.BlockHeader) ([]byte, error) {
	if err := b.check(&h); err != nil {
		return dst, fmt.Errorf("encode block: %w", err)
	}
	h.Rows = uint32(b.Rows())
	// Grown once: all that a buffer holds so far is copied each time that it grows.
	buf := proto.Buffer{Buf: putHeader(slices.Grow(dst, b.Size()), KindEvents, &h)}
	if h.Rows > 0 {
		native := proto.Block{Columns: len(b.input), Rows: b.Rows()}
		if err := native.EncodeRawBlock(&buf, 0, b.input); err != nil {
			return dst, fmt.Errorf("encode block: %w", err)
		}
	}
	return seal(buf.Buf, len(dst)), nil
}

func (b *Builder) check(h *throng.BlockHeader) error {
	switch {
	case b.badTime > 0:
		return fmt.Errorf("%d events with a time outside of 1970–2106", b.badTime)
	case len(h.Feed) > math.MaxUint16:
		return errors.New("the feed's name is too long")
	}
	for i, e := range b.enums() {
		if e.invalid > 0 {
			return fmt.Errorf("%d events with a %s outside of its vocabulary", e.invalid,
				[]string{"method", "client", "os", "bot", "signal"}[i])
		}
	}
	return nil
}

// Reset empties the builder.
func (b *Builder) Reset() {
	for _, c := range b.input {
		c.Data.(proto.Resettable).Reset()
	}
	b.badTime = 0
}

// utc is a DateTime column that names its time zone: ch-go would write the bare type, which the
// server reads in a zone of its own.
type utc struct{ *proto.ColDateTime }

func (utc) Type() proto.ColumnType { return "DateTime('UTC')" }

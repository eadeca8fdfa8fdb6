package block

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/ClickHouse/ch-go/proto"

	"throng"
)

// Low-cardinality columns are written as one dictionary a block and a key a row (ClickHouse:
// SerializationLowCardinality). Building the dictionary here costs the store nothing; a column of
// plain strings would cost it a hash a row.
const (
	keysVersion    = 1       // shared dictionaries with additional keys
	additionalKeys = 1 << 9  // the dictionary is in the block
	updateAll      = 1 << 10 // and replaces what was before
)

// dictionary is a LowCardinality(String) column. Value 0 of a dictionary that grows is "", as the
// store has it.
type dictionary struct {
	values proto.ColStr
	keys   []uint32
}

func newDictionary() (d dictionary) {
	d.Reset()
	return d
}

// intern adds a value that is not yet there.
func (d *dictionary) intern(s string) (key uint32) {
	d.values.Append(s)
	return uint32(d.values.Rows() - 1)
}

// width is the number of bytes of a key.
func (d *dictionary) width() int {
	switch n := d.values.Rows(); {
	case n <= 1<<8:
		return 1
	case n <= 1<<16:
		return 2
	}
	return 4
}

// textBytes bounds the bytes of the values: a length of at most 3 bytes precedes each.
func (d *dictionary) textBytes() int { return len(d.values.Buf) + 3*d.values.Rows() + 32 }

// Type implements [proto.ColInput].
func (d *dictionary) Type() proto.ColumnType { return text }

// Rows implements [proto.ColInput].
func (d *dictionary) Rows() int { return len(d.keys) }

// Reset implements [proto.Resettable].
func (d *dictionary) Reset() {
	d.values.Reset()
	d.values.Append("")
	d.keys = d.keys[:0]
}

// EncodeState implements [proto.StateEncoder].
func (d *dictionary) EncodeState(b *proto.Buffer) { b.PutInt64(keysVersion) }

// EncodeColumn implements [proto.ColInput].
func (d *dictionary) EncodeColumn(b *proto.Buffer) {
	width := d.width()
	putDictionary(b, &d.values, width)
	b.PutInt64(int64(len(d.keys)))
	b.Buf = slices.Grow(b.Buf, len(d.keys)*width)
	switch width {
	case 1:
		for _, k := range d.keys {
			b.Buf = append(b.Buf, byte(k))
		}
	case 2:
		for _, k := range d.keys {
			b.Buf = binary.LittleEndian.AppendUint16(b.Buf, uint16(k))
		}
	default:
		for _, k := range d.keys {
			b.Buf = binary.LittleEndian.AppendUint32(b.Buf, k)
		}
	}
}

// WriteColumn implements [proto.ColInput].
func (d *dictionary) WriteColumn(w *proto.Writer) { w.ChainBuffer(d.EncodeColumn) }

// putDictionary writes the flags (whose low byte is 0, 1 or 2 for keys of 1, 2 or 4 bytes) and the
// values.
func putDictionary(b *proto.Buffer, values *proto.ColStr, width int) {
	b.PutInt64(int64(updateAll | additionalKeys | width>>1))
	b.PutInt64(int64(values.Rows()))
	values.EncodeColumn(b)
}

// enum is a column whose dictionary is a closed vocabulary; the value is the key.
type enum struct {
	values  proto.ColStr
	keys    []byte
	size    uint8
	invalid int
}

func newEnum(names []string) enum {
	e := enum{size: uint8(len(names))}
	e.values.AppendArr(names)
	return e
}

func (e *enum) extend(n int) []byte { return extend(&e.keys, n) }

// check counts the invalid ones of the last n keys.
func (e *enum) check(n int) {
	for _, k := range e.keys[len(e.keys)-n:] {
		if k >= e.size {
			e.invalid++
		}
	}
}

// Type implements [proto.ColInput].
func (e *enum) Type() proto.ColumnType { return text }

// Rows implements [proto.ColInput].
func (e *enum) Rows() int { return len(e.keys) }

// Reset implements [proto.Resettable]. The vocabulary stays.
func (e *enum) Reset() { e.keys, e.invalid = e.keys[:0], 0 }

// EncodeState implements [proto.StateEncoder].
func (e *enum) EncodeState(b *proto.Buffer) { b.PutInt64(keysVersion) }

// EncodeColumn implements [proto.ColInput].
func (e *enum) EncodeColumn(b *proto.Buffer) {
	putDictionary(b, &e.values, 1)
	b.PutInt64(int64(len(e.keys)))
	b.Buf = append(b.Buf, e.keys...)
}

// WriteColumn implements [proto.ColInput].
func (e *enum) WriteColumn(w *proto.Writer) { w.ChainBuffer(e.EncodeColumn) }

// words is a dictionary of strings that the anonymizer interns: the same text mostly comes as the
// same bytes in memory, so that its address finds the key and the text is hashed once a block.
type words struct {
	dictionary
	index map[string]uint32
	seen  [1 << seenBits]sighting
}

// sighting holds the string's address as a pointer, which keeps it from being reused for other text.
type sighting struct {
	at  *byte
	len int
	key uint32
}

// seenBits is the logarithm of how many addresses are remembered.
const seenBits = 10

// keptIndex is the size from which an index is not kept for the next block: clearing a map costs
// its largest size ever.
const keptIndex = 4096

func newWords() words {
	w := words{dictionary: newDictionary()}
	w.Reset()
	return w
}

func (w *words) append(events []throng.Event, of func(*throng.Event) string) {
	keys := extend(&w.keys, len(events))
	for i := range events {
		keys[i] = w.key(of(&events[i]))
	}
}

func (w *words) key(s string) uint32 {
	if s == "" {
		return 0
	}
	at := unsafe.StringData(s)
	seen := &w.seen[uint64(uintptr(unsafe.Pointer(at)))*0x9E3779B97F4A7C15>>(64-seenBits)]
	if seen.at != at || seen.len != len(s) {
		*seen = sighting{at, len(s), w.find(s)}
	}
	return seen.key
}

func (w *words) find(s string) uint32 {
	key, ok := w.index[s]
	if !ok {
		key = w.intern(s)
		w.index[s] = key
	}
	return key
}

// Reset implements [proto.Resettable].
func (w *words) Reset() {
	w.dictionary.Reset()
	w.seen = [len(w.seen)]sighting{}
	if w.index == nil || len(w.index) > keptIndex {
		w.index = make(map[string]uint32)
	}
	clear(w.index)
}

// countries is a dictionary of country codes, which mostly repeat.
type countries struct {
	dictionary
	index   map[throng.Country]uint32
	last    throng.Country
	lastKey uint32
}

func newCountries() countries {
	return countries{dictionary: newDictionary(), index: make(map[throng.Country]uint32)}
}

func (c *countries) append(events []throng.Event) {
	keys := extend(&c.keys, len(events))
	for i := range events {
		if v := events[i].Country; v != c.last {
			c.last, c.lastKey = v, c.find(v)
		}
		keys[i] = c.lastKey
	}
}

func (c *countries) find(v throng.Country) uint32 {
	if v == (throng.Country{}) {
		return 0
	}
	key, ok := c.index[v]
	if !ok {
		key = c.intern(v.String())
		c.index[v] = key
	}
	return key
}

// Reset implements [proto.Resettable].
func (c *countries) Reset() {
	c.dictionary.Reset()
	clear(c.index)
	c.last, c.lastKey = throng.Country{}, 0
}

// paths is a dictionary of paths, found by their cell. A cell is a keyed hash already, so that its
// bits address an open-addressing table and no visitor can make paths collide in it.
type paths struct {
	dictionary
	table   []pathSlot // its length is a power of two and more than twice the number of values
	block   uint32     // slots of earlier blocks count as free
	visited []uint64   // a bit for each key
}

type pathSlot struct {
	cell  throng.CellID
	key   uint32
	block uint32
}

func newPaths() paths {
	return paths{dictionary: newDictionary(), table: make([]pathSlot, 1<<12), block: 1}
}

// atOnce is how many slots are looked for side by side, so that the processor waits for their memory at
// the same time.
const atOnce = 32

func (p *paths) append(events []throng.Event) {
	for len(events) > 0 {
		n := min(len(events), atOnce)
		for 2*(p.values.Rows()+n) > len(p.table) {
			p.grow()
		}
		p.appendSome(events[:n])
		events = events[n:]
	}
}

func (p *paths) appendSome(events []throng.Event) {
	var slots [atOnce]*pathSlot
	for i := range events {
		slots[i] = p.slot(events[i].Cell)
	}
	keys := extend(&p.keys, len(events))
	for i := range events {
		e, slot := &events[i], slots[i]
		if slot.block != p.block || slot.cell != e.Cell { // taken meanwhile, where it is another cell's
			slot = p.slot(e.Cell)
		}
		if slot.block != p.block {
			*slot = pathSlot{e.Cell, p.intern(e.Path), p.block}
		}
		keys[i] = slot.key
	}
}

// slot is the cell's slot, or the free one where it belongs.
func (p *paths) slot(cell throng.CellID) *pathSlot {
	mask := uint64(len(p.table) - 1)
	for i := uint64(cell); ; i++ {
		s := &p.table[i&mask]
		if s.block != p.block || s.cell == cell {
			return s
		}
	}
}

// visit tells whether nobody visited the path with this key before in the block.
func (p *paths) visit(key uint32) (first bool) {
	for int(key>>6) >= len(p.visited) {
		p.visited = append(p.visited, 0)
	}
	word, bit := &p.visited[key>>6], uint64(1)<<(key&63)
	first = *word&bit == 0
	*word |= bit
	return first
}

func (p *paths) grow() {
	old := p.table
	p.table = make([]pathSlot, 2*len(old))
	for _, s := range old {
		if s.block == p.block {
			*p.slot(s.cell) = s
		}
	}
}

// Reset implements [proto.Resettable].
func (p *paths) Reset() {
	p.dictionary.Reset()
	p.visited = p.visited[:0]
	p.block++
	if p.block == 0 { // the count went round: a slot of 2³² blocks ago would look alive
		clear(p.table)
		p.block = 1
	}
}

package block_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"throng"
	"throng/ingest/block"
)

// decode reads a Native block with the protocol library and gives its rows back as events, with what marks the
// first visit of a cell.
func decode(native []byte) (columns []block.Column, events []throng.Event, newCell proto.ColBool, err error) {
	var results proto.Results
	var b proto.Block
	r := proto.NewReader(bytes.NewReader(native))
	if err := b.DecodeRawBlock(r, 0, results.Auto()); err != nil {
		return nil, nil, nil, err
	}
	if _, err := r.ReadByte(); err == nil {
		return nil, nil, nil, errors.New("bytes after the block")
	}
	events = make([]throng.Event, b.Rows)
	for _, c := range results {
		data := c.Data
		if auto, ok := data.(*proto.ColAuto); ok {
			data = auto.Data
		}
		columns = append(columns, block.Column{Name: c.Name, Type: data.Type().String()})
		if c.Name == "new_cell" {
			newCell = *data.(*proto.ColBool)
			continue
		}
		for i := range events {
			if err := set(&events[i], c.Name, data, i); err != nil {
				return nil, nil, nil, err
			}
		}
	}
	return columns, events, newCell, nil
}

func set(e *throng.Event, name string, data any, i int) error {
	switch c := data.(type) {
	case *proto.ColDateTime:
		e.Time = c.Row(i).Unix()
	case *proto.ColUInt16:
		*map[string]*uint16{"status": &e.Status, "client_major": &e.ClientMajor}[name] = c.Row(i)
	case *proto.ColUInt64:
		*map[string]*uint64{"bytes": &e.Bytes, "unit": (*uint64)(&e.Unit), "cell": (*uint64)(&e.Cell)}[name] = c.Row(i)
	case *proto.ColBool:
		*map[string]*bool{"opted_out": &e.OptedOut, "visit": &e.Visit}[name] = c.Row(i)
	case *proto.ColIPv6:
		a := netip.AddrFrom16(c.Row(i)).Unmap()
		e.Network = netip.PrefixFrom(a, a.BitLen())
	case *proto.ColLowCardinality[string]:
		return setText(e, name, c.Row(i))
	default:
		return fmt.Errorf("column %s has the type %T", name, data)
	}
	return nil
}

func setText(e *throng.Event, name, v string) error {
	enums := map[string]struct {
		names []string
		to    *uint8
	}{
		"method": {throng.MethodNames(), (*uint8)(&e.Method)},
		"client": {throng.ClientNames(), (*uint8)(&e.Client)},
		"os":     {throng.OSNames(), (*uint8)(&e.OS)},
		"bot":    {throng.BotNames(), (*uint8)(&e.Bot)},
		"signal": {throng.SignalNames(), (*uint8)(&e.Signal)},
	}
	if enum, ok := enums[name]; ok {
		for k, n := range enum.names {
			if n == v {
				*enum.to = uint8(k)
				return nil
			}
		}
		return fmt.Errorf("%s %q is not in the vocabulary", name, v)
	}
	switch name {
	case "site":
		e.Site = v
	case "path":
		e.Path = v
	case "referrer":
		e.Referrer = v
	case "country":
		copy(e.Country[:], v)
	default:
		return fmt.Errorf("unknown column %s", name)
	}
	return nil
}

// address drops a network's length, which a block does not carry.
var address = cmp.Comparer(func(a, b netip.Prefix) bool { return a.Addr().As16() == b.Addr().As16() })

func genEvent(t *rapid.T) throng.Event {
	of := func(names []string) uint8 { return uint8(rapid.IntRange(0, len(names)-1).Draw(t, "enum")) }
	path := rapid.IntRange(0, 400).Draw(t, "path")
	addr := rapid.SampledFrom([]string{"203.0.113.0/24", "2001:db8::/48", "198.51.96.0/19"}).Draw(t, "network")
	return throng.Event{
		Time:     int64(rapid.Uint32().Draw(t, "time")),
		Site:     rapid.SampledFrom([]string{"a", "b"}).Draw(t, "site"),
		Path:     fmt.Sprintf("/%d%s", path, strings.Repeat("p", path)),
		Method:   throng.Method(of(throng.MethodNames())),
		Status:   rapid.Uint16().Draw(t, "status"),
		Bytes:    rapid.Uint64().Draw(t, "bytes"),
		Referrer: rapid.SampledFrom([]string{"", "example.org", "Google", "x"}).Draw(t, "referrer"),
		Client:   throng.Client(of(throng.ClientNames())), ClientMajor: rapid.Uint16().Draw(t, "major"),
		OS:       throng.OS(of(throng.OSNames())),
		Country:  rapid.SampledFrom([]throng.Country{{}, {'D', 'E'}, {'F', 'R'}}).Draw(t, "country"),
		Network:  netip.MustParsePrefix(addr),
		Bot:      throng.Bot(of(throng.BotNames())),
		OptedOut: rapid.Bool().Draw(t, "opted out"), Visit: rapid.Bool().Draw(t, "visit"),
		Signal: throng.Signal(of(throng.SignalNames())),
		Unit:   throng.UnitToken(rapid.Uint64().Draw(t, "unit")),
		Cell:   throng.CellID(path) * 4096, // worst case of the table: all in one slot
	}
}

func TestEventsInAreRowsOut(t *testing.T) {
	b := block.NewBuilder()
	rapid.Check(t, func(t *rapid.T) {
		b.Reset()
		want := rapid.SliceOfN(rapid.Custom(genEvent), 1, 600).Draw(t, "events")
		for i := range want {
			b.Append(&want[i])
		}
		size := b.Size()
		msg, err := b.Encode(nil, throng.BlockHeader{})
		if err != nil {
			t.Fatal(err)
		}
		if len(msg) > size {
			t.Fatalf("%d bytes, Size said at most %d", len(msg), size)
		}
		_, h, native, err := block.Parse(msg)
		if err != nil || int(h.Rows) != len(want) {
			t.Fatal(h.Rows, err)
		}
		columns, got, newCell, err := decode(native)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(block.Columns(), columns); d != "" {
			t.Fatal("schema:", d)
		}
		if d := cmp.Diff(want, got, address); d != "" {
			t.Fatal(d)
		}
		visited := map[throng.CellID]bool{}
		for i, e := range want {
			if first := e.Visit && !visited[e.Cell]; newCell[i] != first {
				t.Fatalf("row %d of %d: marked as first visit of its cell: %v", i, len(want), newCell[i])
			}
			visited[e.Cell] = visited[e.Cell] || e.Visit
		}
	})
}

func TestKeysWidenWithTheDictionary(t *testing.T) {
	for _, rows := range []int{1, 254, 255, 256, 65534, 65535, 65536, 200_000} {
		b := block.NewBuilder()
		want := make([]throng.Event, rows)
		for i := range want {
			want[i] = throng.Event{Path: fmt.Sprint("/", i), Referrer: fmt.Sprint("r", i), Cell: throng.CellID(i)}
			b.Append(&want[i])
		}
		size := b.Size()
		msg, err := b.Encode(nil, throng.BlockHeader{})
		if err != nil || len(msg) > size {
			t.Fatalf("%d bytes of at most %d: %v", len(msg), size, err)
		}
		_, _, native, err := block.Parse(msg)
		if err != nil {
			t.Fatal(err)
		}
		_, got, _, err := decode(native)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if got[i].Path != want[i].Path || got[i].Referrer != want[i].Referrer {
				t.Fatalf("%d rows: row %d has the text of another", rows, i)
			}
		}
	}
}

var header = throng.BlockHeader{
	BlockID: throng.BlockID{Source: throng.SourceID{1, 2, 3}, Start: 10, End: 1 << 40, Day: 20779},
	Feed:    "nginx@web1", Watermark: time.UnixMilli(1_795_000_000_123).UTC(), Rejected: 7, Late: 9,
}

func TestHeaderComesThrough(t *testing.T) {
	b := block.NewBuilder()
	for _, rows := range []uint32{0, 1} {
		want := header
		want.Rows = rows
		prefix := []byte("kept")
		out, err := b.Encode(prefix, header)
		if err != nil {
			t.Fatal(err)
		}
		msg, ok := bytes.CutPrefix(out, prefix)
		if !ok {
			t.Fatal("dst was not kept")
		}
		kind, got, native, err := block.Parse(msg)
		if err != nil || kind != block.KindEvents || (len(native) > 0) != (rows > 0) {
			t.Fatal(kind, len(native), err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
		b.Append(&throng.Event{Path: "/"})
	}
}

// What waited in a broker while the program was renewed is read as it was made: testdata has a block of the
// schema without new_cell.
func TestParseReadsBlocksOfTheSchemaBefore(t *testing.T) {
	msg, err := os.ReadFile("testdata/before-new_cell.block")
	if err != nil {
		t.Fatal(err)
	}
	kind, h, native, err := block.Parse(msg)
	if err != nil || kind != block.KindEvents || h.Rows != 6 || h.Feed != "nginx@web1" || h.Rejected != 7 {
		t.Fatal(kind, h, err)
	}
	columns, events, newCell, err := decode(native)
	if err != nil || newCell != nil {
		t.Fatal(len(newCell), err)
	}
	all := block.Columns()
	if d := cmp.Diff(all[:len(all)-1], columns); d != "" {
		t.Fatal("schema:", d)
	}
	for i, e := range events {
		if e.Path != fmt.Sprint("/page-", i%3) || e.Visit != (i%3 != 2) || e.Unit != throng.UnitToken(i+1) {
			t.Errorf("row %d: %s, visit %v", i, e.Path, e.Visit)
		}
	}
}

func TestClosingMarker(t *testing.T) {
	kind, h, native, err := block.Parse(block.Closing(nil, 20779))
	if err != nil || kind != block.KindClosing || h.Day != 20779 || len(native) != 0 {
		t.Fatal(kind, h.Day, len(native), err)
	}
}

func TestEncodeRefusesWhatItCannotWrite(t *testing.T) {
	for name, e := range map[string]throng.Event{
		"time before 1970": {Time: -1},
		"time after 2106":  {Time: 1 << 32},
		"method":           {Method: 200},
		"signal":           {Signal: throng.Signal(len(throng.SignalNames()))},
	} {
		t.Run(name, func(t *testing.T) {
			b := block.NewBuilder()
			b.Append(&e)
			if out, err := b.Encode([]byte("x"), header); err == nil || string(out) != "x" {
				t.Fatalf("%d bytes, error %v", len(out), err)
			}
			b.Reset()
			if _, err := b.Encode(nil, header); err != nil {
				t.Fatal("after Reset:", err)
			}
		})
	}
}

func sample(t testing.TB) []byte {
	b := block.NewBuilder()
	for i := range 50 {
		b.Append(&throng.Event{Site: "s", Path: fmt.Sprint("/", i%7), Cell: throng.CellID(i % 7)})
	}
	msg, err := b.Encode(nil, header)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestParseRefusesDamage(t *testing.T) {
	msg := sample(t)
	for i := range msg {
		if _, _, _, err := block.Parse(msg[:i]); err == nil {
			t.Fatalf("cut at %d was accepted", i)
		}
		for bit := range 8 {
			msg[i] ^= 1 << bit
			if _, _, _, err := block.Parse(msg); err == nil {
				t.Fatalf("bit %d of byte %d was turned and accepted", bit, i)
			}
			msg[i] ^= 1 << bit
		}
	}
	if _, _, _, err := block.Parse(append(msg, 0)); err == nil {
		t.Fatal("a byte too many was accepted")
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for want, change := range map[string]func(m []byte) []byte{
		"not a block":      func([]byte) []byte { return []byte(`{"json":1}`) },
		"format version 2": func(m []byte) []byte { m[4] = 2; return m },
		"cut short":        func(m []byte) []byte { return m[:40] },
		"another schema":   func(m []byte) []byte { m[12]++; return m },
		"its header says":  func(m []byte) []byte { return m[:len(m)-1] },
		"wrong checksum":   func(m []byte) []byte { m[len(m)-9]++; return m },
	} {
		_, _, native, err := block.Parse(change(bytes.Clone(sample(t))))
		if err == nil || !strings.Contains(err.Error(), want) || native != nil {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample(f))
	f.Add(block.Closing(nil, 1))
	f.Add([]byte("THRB"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		kind, h, native, err := block.Parse(msg)
		if err != nil {
			return
		}
		if kind == block.KindClosing && len(native) > 0 || (h.Rows == 0) != (len(native) == 0) {
			t.Fatal("accepted a message that contradicts itself")
		}
	})
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	b := block.NewBuilder()
	events := make([]throng.Event, 5000)
	for i := range events {
		events[i] = throng.Event{Site: "s", Path: fmt.Sprint("/", i), Cell: throng.CellID(i), Referrer: fmt.Sprint(i % 50)}
	}
	fill := func() {
		for i := range events {
			b.Append(&events[i])
		}
	}
	fill()
	dst := make([]byte, 0, 1<<20)
	if n := testing.AllocsPerRun(10, func() { b.Reset(); fill() }); n > 0 {
		t.Errorf("%v allocations for a block that is no larger than the one before", n)
	}
	if _, err := b.Encode(dst, header); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkAppend(b *testing.B) {
	paths, referrers := make([]string, 100_000), make([]string, 300)
	for i := range paths {
		paths[i] = fmt.Sprintf("/section-%d/page-%d", i%100, i)
	}
	for i := range referrers {
		referrers[i] = fmt.Sprintf("site-%d.example", i)
	}
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 10, uint64(len(paths)-1))
	order := make([]uint32, 1<<18)
	for i := range order {
		order[i] = uint32(zipf.Uint64())
	}
	blk := block.NewBuilder()
	events := make([]throng.Event, 64)
	for i := range events {
		events[i] = throng.Event{Time: 1_795_000_000, Site: "s", Network: netip.MustParsePrefix("203.0.113.0/24")}
	}
	b.ReportAllocs()
	for at := 0; at < b.N; at += len(events) {
		for i := range events {
			p := order[(at+i)%len(order)]
			e := &events[i]
			e.Path, e.Cell, e.Referrer = paths[p], throng.CellID(uint64(p+1)*0x9E3779B97F4A7C15), referrers[p%300]
		}
		if blk.AppendAll(events); blk.Rows() > 200_000 {
			blk.Reset()
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	blk := block.NewBuilder()
	for i := range 200_000 {
		blk.Append(&throng.Event{Site: "s", Path: fmt.Sprint("/", i%50_000), Cell: throng.CellID(i % 50_000)})
	}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = blk.Encode(dst[:0], header); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200_000, "ns/row")
}

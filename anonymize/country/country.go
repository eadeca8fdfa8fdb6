// Package country tells the country of an address, by a database in MaxMind's format (MMDB) that the
// operator supplies.
//
// The database is read once, into ranges of addresses in one country each, so that a look-up is a
// search in a small table: it allocates nothing, and the file is not mapped into memory, where its
// truncation would end the process. A database that cannot be read, or has no countries, is refused; a
// running process then keeps the one that it has.
//
// The package does not know how good a database is. What it has no country for has none; there is no
// guess. IPv6 networks are told apart down to /64, the width of the privacy unit.
package country

import (
	"cmp"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"

	"github.com/oschwald/maxminddb-golang/v2"

	"throng"
)

// Table holds the countries of all addresses. It never changes; any number of goroutines may use it.
type Table struct{ v4, v6 ranges }

// Of is the country of an address; the zero value is unknown.
func (t *Table) Of(addr netip.Addr) throng.Country {
	r, n := t.number(addr)
	return r.countries[r.find(n)]
}

// OfNetwork is the country of a network all of whose addresses are in one; the zero value is unknown, or
// several. So an event's country does not tell more of an address than its network does.
func (t *Table) OfNetwork(p netip.Prefix) throng.Country {
	r, first := t.number(p.Addr())
	i := r.find(first)
	if i+1 < len(r.starts) && r.starts[i+1] <= lastOf(first, r.bits, p.Bits()) {
		return throng.Country{}
	}
	return r.countries[i]
}

// number is an address as its ranges have it.
func (t *Table) number(addr netip.Addr) (*ranges, uint64) {
	n, v4 := number(addr)
	if v4 {
		return &t.v4, n
	}
	return &t.v6, n
}

// number is an IPv4 address, or the first 64 bits of an IPv6 address.
func number(addr netip.Addr) (n uint64, v4 bool) {
	if addr = addr.Unmap(); addr.Is4() {
		a := addr.As4()
		return uint64(binary.BigEndian.Uint32(a[:])), true
	}
	a := addr.As16()
	return binary.BigEndian.Uint64(a[:8]), false
}

// ranges are those of all addresses of a family: 32 bits, or the first 64 of IPv6. A range goes from its
// start to the next one's; neighbours differ in country.
type ranges struct {
	bits      int
	starts    []uint64 // ascending; the first is 0
	countries []throng.Country
	index     []uint32 // by the first 16 bits of an address: the last range that starts before them
}

func (r *ranges) find(n uint64) int {
	at := n >> (r.bits - indexBits)
	low, high := int(r.index[at]), int(r.index[at+1])+1
	for low+1 < high {
		if mid := int(uint(low+high) / 2); r.starts[mid] <= n {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

const indexBits = 16

// lastOf is the last address of a network whose first and length are given.
func lastOf(first uint64, width, bits int) uint64 { return first | (1<<max(width-bits, 0) - 1) }

// network is one of the database.
type network struct {
	first, last uint64
	country     throng.Country
}

// newRanges joins networks that are neighbours, and fills what is between them.
func newRanges(bits int, networks []network) ranges {
	slices.SortStableFunc(networks, func(a, b network) int { return cmp.Compare(a.first, b.first) })
	r := ranges{bits: bits}
	next, full := uint64(0), false // all before next have a country, or none; full: there is none after
	for _, n := range networks {
		if full || n.first < next { // parts of one /64
			if at := len(r.starts) - 1; r.countries[at] != n.country {
				r.add(n.first, throng.Country{})
			}
			continue
		}
		if n.first > next {
			r.add(next, throng.Country{})
		}
		r.add(n.first, n.country)
		next, full = n.last+1, n.last == 1<<bits-1
	}
	if !full {
		r.add(next, throng.Country{})
	}
	r.index = make([]uint32, 1<<indexBits+1)
	at := 0
	for i := range r.index {
		for at+1 < len(r.starts) && r.starts[at+1] <= uint64(i)<<(bits-indexBits) {
			at++
		}
		r.index[i] = uint32(at)
	}
	r.index[1<<indexBits] = uint32(len(r.starts) - 1)
	return r
}

func (r *ranges) add(start uint64, c throng.Country) {
	n := len(r.starts)
	switch {
	case n > 0 && r.starts[n-1] == start: // the /64 that turned out to be in several
		r.countries[n-1] = c
	case n == 0 || r.countries[n-1] != c:
		r.starts, r.countries = append(r.starts, start), append(r.countries, c)
	}
}

// Read reads a database.
func Read(data []byte) (*Table, error) {
	db, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, errors.New("not a database in MaxMind's format (MMDB), or a damaged one; get it again from where it came")
	}
	var v4, v6 []network
	known := map[uintptr]throng.Country{} // by the place of the record, which many networks share
	leaves := uint(0)                     // at most one more than nodes, or else the nodes are no tree
	for result := range db.Networks(maxminddb.IncludeNetworksWithoutData()) {
		if leaves++; result.Err() != nil || leaves > db.Metadata.NodeCount+1 {
			return nil, errors.New("the database is damaged; get it again from where it came")
		}
		if !result.Found() {
			continue
		}
		c, ok := known[result.Offset()]
		if !ok {
			c = countryOf(result)
			known[result.Offset()] = c
		}
		if c == (throng.Country{}) {
			continue
		}
		p := result.Prefix()
		if first, is4 := number(p.Addr()); is4 {
			v4 = append(v4, network{first, lastOf(first, 32, p.Bits()), c})
		} else {
			v6 = append(v6, network{first, lastOf(first, 64, p.Bits()), c})
		}
	}
	if len(v4)+len(v6) == 0 {
		return nil, errors.New("the database has no countries (country.iso_code, country_code or country); it is of another kind")
	}
	return &Table{newRanges(32, v4), newRanges(64, v6)}, nil
}

// countryOf reads a record: as MaxMind's, DB-IP's and IPinfo's country databases have it.
func countryOf(r maxminddb.Result) throng.Country {
	for _, path := range [][]any{{"country", "iso_code"}, {"country_code"}, {"country"}} {
		var code string
		if r.DecodePath(&code, path...) == nil && len(code) == 2 && isUpper(code[0]) && isUpper(code[1]) {
			return throng.Country{code[0], code[1]}
		}
	}
	return throng.Country{}
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

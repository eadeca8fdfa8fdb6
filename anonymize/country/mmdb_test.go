package country_test

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// entry is a network of a database, and its record: the value at a path of names, such as
// country.iso_code.
type entry struct {
	network, path, code string
}

// mmdb makes a database by the MaxMind DB file format, version 2.0, with records of 32 bits.
func mmdb(entries ...entry) []byte {
	type node [2]uint32
	const empty, data = 1 << 30, 1 << 31
	nodes, records, offsets := []node{{empty, empty}}, []byte{}, map[string]uint32{}
	for _, e := range entries {
		p := netip.MustParsePrefix(e.network)
		addr, length := p.Addr().As16(), p.Bits()
		if p.Addr().Is4() { // IPv4 lies at ::/96
			a := p.Addr().As4()
			addr, length = [16]byte{}, length+96
			copy(addr[12:], a[:])
		}
		at, ok := offsets[e.path+e.code]
		if !ok {
			at = uint32(len(records))
			offsets[e.path+e.code] = at
			records = append(records, record(strings.Split(e.path, "."), e.code)...)
		}
		n := uint32(0)
		for i := range length {
			side := addr[i/8] >> (7 - i%8) & 1
			if i == length-1 {
				nodes[n][side] = data | at
				break
			}
			if nodes[n][side] == empty {
				nodes = append(nodes, node{empty, empty})
				nodes[n][side] = uint32(len(nodes) - 1)
			}
			n = nodes[n][side]
		}
	}
	var b []byte
	for _, n := range nodes {
		for _, r := range n {
			switch {
			case r&data != 0:
				r = r&^data + uint32(len(nodes)) + 16
			case r == empty:
				r = uint32(len(nodes))
			}
			b = binary.BigEndian.AppendUint32(b, r)
		}
	}
	b = append(append(b, make([]byte, 16)...), records...)
	b = append(b, "\xab\xcd\xefMaxMind.com"...)
	b = append(b, 7<<5|9)
	for _, m := range []struct {
		name  string
		value []byte
	}{
		{"binary_format_major_version", []byte{5<<5 | 1, 2}}, {"binary_format_minor_version", []byte{5 << 5}},
		{"build_epoch", []byte{1, 2, 1}}, {"database_type", text("Test")}, {"description", []byte{7 << 5}},
		{"ip_version", []byte{5<<5 | 1, 6}}, {"languages", []byte{0, 4}},
		{"node_count", append([]byte{6<<5 | 4}, binary.BigEndian.AppendUint32(nil, uint32(len(nodes)))...)},
		{"record_size", []byte{5<<5 | 1, 32}},
	} {
		b = append(append(b, text(m.name)...), m.value...)
	}
	return b
}

// record is a value inside of maps.
func record(path []string, code string) []byte {
	b := append([]byte{7<<5 | 1}, text(path[0])...)
	if len(path) > 1 {
		return append(b, record(path[1:], code)...)
	}
	return append(b, text(code)...)
}

func text(s string) []byte {
	if len(s) >= 29 {
		panic("a text of the tests is too long")
	}
	return append([]byte{2<<5 | byte(len(s))}, s...)
}

package loadgen

import "strconv"

// devices derives everything about a device from its number: two devices to an address, the even one
// a computer, the odd one a phone.
type devices struct {
	n, regulars uint64
	key         uint64
	dnt, gpc    uint64 // shares, scaled to 2¹⁶
	ipv6        uint64 // share, scaled to 2³²
	canary      bool
	bots        uint64 // addresses of bots
	addresses   permutation
	agents      [2][]string // of computers and of phones, most popular first
}

// One device in regularOneIn is a regular; regulars make a twentieth of each page's devices.
const (
	regularOneIn  = 100
	regularShare  = 20
	botAddresses  = 65_536
	canaryBots    = 512 // with the devices', fewer than there are addresses
	addressBits   = 31
	canaryAddress = 130_048 // in 198.18.0.0/15 without those that end in .0 or .255
)

func newDevices(o Options, key uint64) devices {
	word := ""
	if o.Canary != "" {
		word = " " + o.Canary
	}
	bots := uint64(botAddresses)
	if o.Canary != "" {
		bots = canaryBots
	}
	return devices{
		bots: bots,
		n:    o.Devices, regulars: o.Devices / regularOneIn,
		key: key,
		dnt: uint64(o.Mix.DNT * (1 << 16)), gpc: uint64(o.Mix.GPC * (1 << 16)),
		ipv6:      uint64(o.Mix.IPv6 * (1 << 32)),
		canary:    o.Canary != "",
		addresses: newPermutation(1 << addressBits),
		agents: [2][]string{
			userAgents(computers, (o.UserAgents+1)/2, word),
			userAgents(phones, o.UserAgents/2, word),
		},
	}
}

// device is what a log says of a device.
type device struct {
	address  uint64
	hash     uint64 // for everything that the truth does not depend on
	agent    string
	dnt, gpc bool
}

func (d *devices) at(number uint64) device {
	h := mix(number ^ d.key)
	agents := d.agents[number&1]
	return device{
		address: number >> 1,
		hash:    mix(h),
		agent:   agents[skewed(h, uint64(len(agents)))],
		dnt:     h>>16&0xffff < d.dnt,
		gpc:     h&0xffff < d.gpc,
	}
}

// signals are those that a device sends with every request.
func (d *devices) signals(number uint64) (dnt, gpc bool) {
	h := mix(number ^ d.key)
	return h>>16&0xffff < d.dnt, h&0xffff < d.gpc
}

// bot is the address of a bot: one that no device has.
func (d *devices) bot(h uint64) uint64 { return d.n>>1 + 1 + below(h, d.bots) }

// skewed chooses from [0, n), the lower the more often: the density falls with the square root.
func skewed(h, n uint64) uint64 {
	u := h >> 32
	return (u * u >> 32) * n >> 32
}

// appendAddress writes address number a. The lower half of an IPv6 address changes with host, as
// privacy extensions (RFC 8981) make it; the /64 is the number's alone.
func (d *devices) appendAddress(b []byte, a, host uint64) []byte {
	six := mix(a+d.key)>>32 < d.ipv6
	switch {
	case d.canary && six:
		return appendHost(appendGroups(append(b, "2001:db8"...), a, a>>16), host)
	case d.canary:
		return appendCanary4(b, a)
	}
	x := d.addresses.at(a, d.key)
	if six {
		b = append(b, prefixes6[x>>27]...)
		return appendHost(appendGroups(b, x>>11, x&0x7ff|0x4000, a&0xff), host)
	}
	b = append(b, octets[networks4[x>>24]]...)
	b = append(b, octets[x>>16&0xff]...)
	b = append(b, octets[x>>8&0xff]...)
	last := octets[x&0xff]
	return append(b, last[:len(last)-1]...)
}

// appendCanary4 keeps off addresses that end in .0: a network's number must not look like a client's.
// Neighbouring numbers are in different networks, of which there are 512.
func appendCanary4(b []byte, a uint64) []byte {
	a %= canaryAddress
	b = append(append(b, "198."...), octets[18+a%512/256]...)
	b = append(b, octets[a%256]...)
	last := octets[1+a/512]
	return append(b, last[:len(last)-1]...)
}

func appendHost(b []byte, host uint64) []byte {
	return appendGroups(b, host>>48|0x200, host>>32, host>>16, host)
}

func appendGroups(b []byte, groups ...uint64) []byte {
	const hex = "0123456789abcdef"
	for _, g := range groups {
		b = append(b, ':', hex[g>>12&15], hex[g>>8&15], hex[g>>4&15], hex[g&15])
	}
	return b
}

var (
	octets    = dottedOctets()
	networks4 = publicNetworks()
	// prefixes6 are first groups of blocks that the registries have given to providers.
	prefixes6 = [16]string{
		"2400", "2401", "2404", "2409", "2600", "2601", "2603", "2607",
		"2800", "2804", "2a00", "2a01", "2a02", "2a03", "2a04", "2a10",
	}
)

func dottedOctets() (table [256]string) {
	for i := range table {
		table[i] = strconv.Itoa(i) + "."
	}
	return table
}

// publicNetworks are 128 of the /8 networks that are public as a whole.
func publicNetworks() (table [128]uint8) {
	special := [256]bool{0: true, 10: true, 100: true, 127: true, 169: true, 172: true, 192: true, 198: true, 203: true}
	n := 0
	for octet := 1; n < len(table); octet++ {
		if !special[octet] {
			table[n] = uint8(octet)
			n++
		}
	}
	return table
}

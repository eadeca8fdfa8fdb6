package loadgen

import "math/bits"

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
// generators", 2014): a bijection in which each input bit changes each output bit half the time.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below scales a hash to [0, n); its high bits count most.
func below(h, n uint64) uint64 {
	hi, _ := bits.Mul64(h, n)
	return hi
}

// permutation is a family of bijections on [0, n), one for each key.
type permutation struct {
	n, mask uint64
	shift   uint
}

func newPermutation(n uint64) permutation {
	width := max(bits.Len64(n-1), 2)
	return permutation{n: n, mask: 1<<width - 1, shift: uint(width+1) / 2}
}

// at sends i in [0, n) to its place under key. Odd multiplications, additions and shifted xors are
// bijections of [0, 2^width); following a value until it falls below n (cycle walking; Black and
// Rogaway, "Ciphers with arbitrary finite domains", 2002) makes one of [0, n). It takes less than two
// rounds on average.
func (p permutation) at(i, key uint64) uint64 {
	for {
		i = (i ^ key) * 0x9e3779b97f4a7c15 & p.mask
		i ^= i >> p.shift
		i = (i + key>>32) * 0xd1b54a32d192ed03 & p.mask
		i ^= i >> p.shift
		i = i * 0x8cb92ba72f3d8dd7 & p.mask
		i ^= i >> p.shift
		if i < p.n {
			return i
		}
	}
}

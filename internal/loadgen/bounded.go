package loadgen

// Bounded is what contribution bounding leaves of a path on average.
type Bounded struct {
	Key            string
	Devices        float64
	Visits         float64
	OptedOutVisits float64
}

// Bounded is the expectation of the readership of each key, sorted by key as in [Truth.Paths], after a
// device keeps l0 of its keys, each set of them equally likely, and at most linf visits of each
// key that it keeps. Its memory is that of [Log.Contributions].
func (l *Log) Bounded(l0, linf int) []Bounded {
	groups := l.groups()
	out := make([]Bounded, len(groups))
	for i, g := range groups {
		out[i].Key = g.key
	}
	var one []Contribution // of one device
	keep := func() {
		if len(one) == 0 {
			return
		}
		chance := min(1, float64(l0)/float64(len(one)))
		dnt, gpc := l.devices.signals(one[0].Device)
		for _, c := range one {
			out[c.Key].add(chance, chance*float64(min(c.Visits, uint64(linf))), dnt || gpc)
		}
		one = one[:0]
	}
	for c := range l.contributions(groups) {
		if len(one) > 0 && one[0].Device != c.Device {
			keep()
		}
		one = append(one, c)
	}
	keep()
	return out
}

func (b *Bounded) add(devices, visits float64, optedOut bool) {
	b.Devices += devices
	b.Visits += visits
	if optedOut {
		b.OptedOutVisits += visits
	}
}

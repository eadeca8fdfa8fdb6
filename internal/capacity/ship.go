package capacity

// tick is how finely lines come, in seconds.
const tick = .5

// piece are lines that came at about the same time.
type piece struct{ at, lines float64 }

// parcel is a block of lines on its way.
type parcel struct {
	lines  float64
	pieces []piece
	shard  int
}

// ship takes a share of the lines, cuts blocks and sends them.
type ship struct {
	s       *simulation
	cores   *station
	waiting []piece // not read yet
	block   parcel
	out     []parcel
	sending int
}

// step is one tick: what came is read as far as there are cores and room, and a block is cut when it is full or old.
func (h *ship) step() {
	now := h.s.now
	h.waiting = append(h.waiting, piece{now - tick/2, h.s.curve.rate(now) * tick / float64(len(h.s.ships))})
	budget := tick * 1e6 / shipCPU * shipCores
	for len(h.waiting) > 0 && budget > 0 && len(h.out) < outbox {
		took := min(h.waiting[0].lines, budget, blockLines-h.block.lines)
		h.block.pieces = append(h.block.pieces, piece{h.waiting[0].at, took})
		h.block.lines += took
		budget -= took
		h.cores.busy[min(23, int(now/3600))] += took / 1e6 * shipCPU
		if h.waiting[0].lines -= took; h.waiting[0].lines < 1e-6 {
			h.waiting = h.waiting[1:]
		}
		if h.block.lines >= blockLines-1e-6 {
			h.cut()
		}
	}
	if len(h.block.pieces) > 0 && now-h.block.pieces[0].at >= blockAge && len(h.out) < outbox {
		h.cut()
	}
	h.send()
}

func (h *ship) cut() {
	h.block.shard = h.s.random.IntN(len(h.s.shards))
	h.out, h.block = append(h.out, h.block), parcel{}
}

func (h *ship) send() {
	for h.sending < senders && len(h.out) > 0 {
		p := h.out[0]
		h.out = h.out[1:]
		h.sending++
		h.s.underway += p.lines
		h.s.partitions[h.s.random.IntN(len(h.s.partitions))].produce(p, func() {
			h.sending--
			h.send()
		})
	}
}

// partition is one of a topic: blocks in the order in which they came.
type partition struct {
	s      *simulation
	home   int // the broker that leads it, unless that is away
	leader int
	owner  *loader
	blocks []parcel
}

// produce stores a block with a copy on three brokers, after which it is acknowledged. While the leader is away the ship asks again and again.
func (p *partition) produce(b parcel, acknowledge func()) {
	if at := p.s.brokers[p.leader]; at.away {
		p.s.at(at.moved, func() { p.produce(b, acknowledge) })
		return
	}
	done := p.s.now
	for copy := range brokerCopies {
		if at := p.s.brokers[(p.leader+copy)%len(p.s.brokers)]; !at.away {
			done = max(done, at.disk.serve(p.s.now, b.lines*wireBytes/brokerRate))
		}
	}
	p.s.at(done+brokerWait, func() {
		p.s.underway -= b.lines
		p.blocks = append(p.blocks, b)
		acknowledge()
		p.owner.fetch()
	})
}

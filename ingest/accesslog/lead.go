package accesslog

import "encoding/binary"

// Most lines of a log that names its fields have the same names in the same order. So what stands between
// two values is remembered, with what it means and what followed the last time: in the next line it is
// compared, which is less than to look for the ends of names and to look the names up.

// lead is the text that leads from the end of one value to the next one, or to the line's end.
type lead struct {
	leadText
	to    destination
	in    *place // where the value is
	meant        // what it means
	next  *lead  // what followed the last time, perhaps nil

	head, tail word // of the text: most are so short that a call to compare them would take longer than all else
}

// leadText tells leads apart.
type leadText struct {
	at   *place // where it begins
	text string
}

// destination is what comes after a lead.
type destination uint8

const (
	toOther   destination = iota // the first byte of a value
	toBegun                      // the second byte of one that could have been an object that keys lead through
	toText                       // the text of a string, behind its quotation mark
	toList                       // the text of the first string of an array
	toObject                     // the inside of an object that keys lead through: the lead goes on
	toLineEnd                    // what follows the last brace
)

// leads are those that were read. Clients choose names where a server logs all header fields: so there are only
// so many, and all are forgotten when there are more.
type leads struct {
	first lead // comes before the first of a line
	known map[leadText]*lead
	count int // of those that were added, or were too long to be
}

const (
	maxLeads = 1024
	maxLead  = 128 // bytes; a longer one is read each time
)

// place is where a walk over a line is: in the line itself, or in an object that keys lead through.
type place struct {
	*level
	outer *place // nil is outside of the line
	inner map[*level]*place
}

// enter is the place of an object in this one.
func (p *place) enter(below *level) *place {
	in := p.inner[below]
	if in == nil {
		if in = (&place{level: below, outer: p}); p.inner == nil {
			p.inner = map[*level]*place{}
		}
		p.inner[below] = in
	}
	return in
}

// begins tells whether the lead is one of a place and b begins with it.
func (l *lead) begins(at *place, b []byte) bool {
	if l == nil || l.at != at {
		return false
	}
	if len(b) < 16 || len(l.text) > 16 {
		return hasPrefix(b, l.text)
	}
	return l.head.differ(b)|l.tail.differ(b[8:]) == 0
}

// word is up to eight bytes of a text.
type word struct{ bytes, mask uint64 }

// wordOf is the first eight bytes of the text, or all of it.
func wordOf(text string) (w word) {
	var b, mask [8]byte
	for i := range copy(b[:], text) {
		mask[i] = 0xff
	}
	return word{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(mask[:])}
}

// differ is 0 where b begins with the word.
func (w *word) differ(b []byte) uint64 { return (binary.LittleEndian.Uint64(b) ^ w.bytes) & w.mask }

// follow notes that l was followed by next.
func (l *lead) follow(next *lead) {
	if next.text != "" {
		l.next = next
	}
}

// known gives a lead that was read before; nil is none.
func (t *keyTable) known(at *place, text []byte) *lead {
	return t.leads.known[leadText{at, string(text)}]
}

// learn remembers a lead, of which all but its text is told.
func (t *keyTable) learn(l lead, text []byte) *lead {
	if t.leads.count == maxLeads {
		t.leads = leads{known: map[leadText]*lead{}}
		t.top.inner = nil
	}
	t.leads.count++
	if len(text) <= maxLead {
		l.text = string(text)
		l.head, l.tail = wordOf(l.text), wordOf(l.text[min(8, len(text)):])
		t.leads.known[l.leadText] = &l
	}
	return &l
}

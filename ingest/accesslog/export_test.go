package accesslog

// Scratch is the memory of decoded values.
func (p *Parser) Scratch() []byte { return p.recorder.scratch }

// WithoutHead makes the parser read every line with the layout's steps alone.
func (p *Parser) WithoutHead() *Parser {
	p.reader.(*layout).head = 0
	return p
}

// MaxLeads is how many texts between values a parser remembers.
const MaxLeads = maxLeads

// Leads is how many the parser remembers.
func (p *Parser) Leads() int {
	switch r := p.reader.(type) {
	case *object:
		return len(r.leads.known)
	case *labels:
		return len(r.leads.known)
	}
	return 0
}

package accesslog

// Scratch is the memory of decoded values.
func (p *Parser) Scratch() []byte { return p.recorder.scratch }

// WithoutHead makes the parser read every line with the layout's steps alone.
func (p *Parser) WithoutHead() *Parser {
	p.reader.(*layout).head = 0
	return p
}

package accesslog

// Encoding is how a server writes a user agent so that its blanks do not end it.
type Encoding uint8

// The encodings.
const (
	Plain          Encoding = iota
	PercentEncoded          // bytes as %HH, once or twice: CloudFront
	PlusForBlank            // "+" for a blank, and "++" for a blank and a plus: IIS
)

// UserAgentText is the user agent as the client sent it, in memory of its own where it was written otherwise. It is
// left to whoever needs it, since that takes as long as reading half of the line, and most user agents are known
// by how they were written.
func (rec *Record) UserAgentText() []byte {
	switch rec.UserAgentEncoding {
	case PercentEncoded:
		return present(new(recorder).percentDecoded(rec.UserAgent))
	case PlusForBlank:
		return present(new(recorder).plusDecoded(rec.UserAgent))
	}
	return rec.UserAgent
}

package anonymize

import (
	"bytes"
	"fmt"
	"slices"

	"throng"
)

// Agent is what is kept of a user agent (method section 2): words of a closed vocabulary, no device
// model, no minor version, no locale. See docs/user-agents.md.
type Agent struct {
	// Major is the browser's major version, in the family's range; 0 is unknown.
	Major  uint16
	Client throng.Client
	OS     throng.OS
	Bot    throng.Bot
}

// maxAgentBytes is how much of a user agent is read; the rest could only name it more exactly.
const maxAgentBytes = 1024

// GeneralizeAgent puts a user agent into the closed vocabulary. It is a function of ua alone, takes
// time linear in its length and reads no more than the first 1,024 bytes. What [Agent.String] writes is
// read as that agent.
func GeneralizeAgent(ua []byte) Agent {
	ua = ua[:min(len(ua), maxAgentBytes)]
	if bytes.IndexByte(ua, ' ') < 0 && bytes.IndexByte(ua, '+') >= 0 { // as W3C extended logs have it
		var buf [maxAgentBytes]byte
		ua = spaced(buf[:copy(buf[:], ua)])
	}
	a, ok := spelled(ua)
	if !ok {
		a.Client, a.Major = clientOf(ua)
		a.OS, a.Bot = osOf(ua), botOf(ua, a.Client)
	}
	if a.Bot != throng.Human && isBrowser(a.Client) {
		a.Client = throng.OtherClient // Googlebot is no Chrome, whatever it is made of
	}
	a.Major = majors[a.Client].keep(a.Major)
	return a
}

// spaced writes spaces for plus signs, in place.
func spaced(ua []byte) []byte {
	for i, c := range ua {
		if c == '+' {
			ua[i] = ' '
		}
	}
	return ua
}

// String spells an agent in the words of the vocabulary: "Chrome/143 (Windows)", or
// "Other (Linux; tool)".
func (a Agent) String() string {
	text := a.Client.String()
	if a.Major != 0 {
		text = fmt.Sprintf("%s/%d", text, a.Major)
	}
	if a.Bot != throng.Human {
		return fmt.Sprintf("%s (%s; %s)", text, a.OS, a.Bot)
	}
	return fmt.Sprintf("%s (%s)", text, a.OS)
}

// spelled reads what String writes, so that generalizing twice is generalizing once.
func spelled(ua []byte) (a Agent, ok bool) {
	head, ok := bytes.CutSuffix(ua, []byte{')'})
	if !ok || bytes.HasPrefix(ua, []byte("Mozilla/")) {
		return a, false
	}
	head, tail, _ := bytes.Cut(head, []byte(" ("))
	name, version, _ := bytes.Cut(head, []byte{'/'})
	system, kind, _ := bytes.Cut(tail, []byte("; "))
	client := slices.Index(throng.ClientNames(), string(name))
	os := slices.Index(throng.OSNames(), string(system))
	bot := slices.Index(throng.BotNames(), string(kind))
	if client < 0 || os < 0 || bot < 0 {
		return a, false
	}
	a = Agent{Client: throng.Client(client), Major: number(version), OS: throng.OS(os), Bot: throng.Bot(bot)}
	return a, a.String() == string(ua)
}

package access

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// MinToken is the shortest token, in bytes.
const MinToken = 16

// Tokens are those that are let in.
type Tokens struct{ sums [][sha256.Size]byte }

// ReadTokens reads lines of a name and a token, parted by blanks; empty lines and those that begin with
// # are left out. The name is for whoever keeps the file, to take the right line out of it.
func ReadTokens(r io.Reader) (*Tokens, error) {
	t := &Tokens{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		parts := strings.Fields(line)
		if len(parts) != 2 || len(parts[1]) < MinToken {
			return nil, fmt.Errorf("read tokens: line %d: want a name and a token of %d bytes or more, without blanks in them", n, MinToken)
		}
		t.sums = append(t.sums, sha256.Sum256([]byte(parts[1])))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	if len(t.sums) == 0 {
		return nil, errors.New("read tokens: there is none, so that nobody could read the analysts' pages")
	}
	return t, nil
}

// admit tells whether the request has one of the tokens: as the password of Basic authentication (RFC
// 7617), with any user name, or as a bearer (RFC 6750).
func (t *Tokens) admit(r *http.Request) bool {
	_, given, ok := r.BasicAuth()
	if !ok {
		given, ok = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	sum := sha256.Sum256([]byte(given)) // of equal length, so that the comparisons tell nothing of it
	found := 0
	for i := range t.sums {
		found |= subtle.ConstantTimeCompare(sum[:], t.sums[i][:])
	}
	return ok && found == 1
}

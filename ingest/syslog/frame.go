package syslog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// MaxMessage is the longest message that is taken, in bytes.
const MaxMessage = 1 << 20

// errTooLong and errFrame end a connection: what follows cannot be told from the rest of a message.
var (
	errTooLong = fmt.Errorf("a message is longer than %d bytes", MaxMessage)
	errFrame   = errors.New("a message length is no number")
)

// frames reads the messages of a connection (RFC 6587), each framed in its own way: by octet counting
// where it begins with a digit, else by the newline at its end.
type frames struct {
	r   *bufio.Reader
	buf []byte
}

func newFrames(r io.Reader) *frames { return &frames{r: bufio.NewReaderSize(r, 64<<10)} }

// next is the next message, which is valid until the next call. An unterminated last one counts, where
// the connection was closed in good order.
func (f *frames) next() ([]byte, error) {
	first, err := f.r.Peek(1)
	if err != nil {
		return nil, err
	}
	if first[0] >= '1' && first[0] <= '9' {
		if n, ok, err := f.count(); ok || err != nil {
			return f.counted(n, err)
		}
	}
	return f.line()
}

// count reads the length of a message. Where the digits at the front are none, as in an address at the
// front of a plain line, ok is false and nothing is read.
func (f *frames) count() (n int, ok bool, err error) {
	const longest = len("1048576 ")
	for i := 1; i <= longest; i++ {
		head, err := f.r.Peek(i)
		if err != nil {
			return 0, false, nil // a short plain line: line says what is wrong
		}
		switch c := head[i-1]; {
		case c >= '0' && c <= '9':
			n = n*10 + int(c-'0')
		case c == ' ':
			if _, err := f.r.Discard(i); err != nil {
				return 0, false, err
			}
			if n > MaxMessage {
				return 0, false, errTooLong
			}
			return n, true, nil
		default:
			return 0, false, nil
		}
	}
	return 0, false, errFrame
}

func (f *frames) counted(n int, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if cap(f.buf) < n {
		f.buf = make([]byte, n)
	}
	f.buf = f.buf[:n]
	if _, err := io.ReadFull(f.r, f.buf); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return f.buf, nil
}

func (f *frames) line() ([]byte, error) {
	f.buf = f.buf[:0]
	for {
		part, err := f.r.ReadSlice('\n')
		f.buf = append(f.buf, part...)
		switch {
		case len(f.buf) > MaxMessage:
			return nil, errTooLong
		case err == nil:
			return f.buf, nil
		case errors.Is(err, io.EOF) && len(f.buf) > 0:
			return f.buf, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

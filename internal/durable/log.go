package durable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrEndUnknown says that a failed write could not be taken back, so that nobody knows where a log ends
// before it is opened again. It is final: nothing more is written.
var ErrEndUnknown = errors.New("the end of the file is unknown")

// Log is a file of lines that only grows. It has one writer at a time, in this process and on the
// machine; a Log is not safe for concurrent use.
type Log struct {
	f      *os.File
	lock   *Lock
	size   int64
	broken error // set when the file's end is unknown
}

// ReadLog calls take with each line of a log, without its end, and returns what stands behind the last
// line's end. A line belongs to take. An error of take ends the reading and is returned as it is.
func ReadLog(r io.Reader, take func(line []byte) error) (rest []byte, err error) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
		if err := take(line[:len(line)-1]); err != nil {
			return nil, err
		}
	}
}

// OpenLog opens the log at path for appending, creating it where it is missing, and calls take with each of
// its lines. A last line without its end, which a crash leaves, was never acknowledged and is cut off. The
// error matches [ErrLocked] where another process has the log open.
func OpenLog(path string, take func(line []byte) error) (l *Log, err error) {
	lock, err := LockFile(path)
	if err != nil {
		return nil, err
	}
	l = &Log{lock: lock}
	if err := l.load(path, take); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Log) load(path string, take func(line []byte) error) (err error) {
	if l.f, err = os.OpenFile(path, os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err := SyncDir(filepath.Dir(path)); err != nil {
		return err
	}
	rest, err := ReadLog(l.f, take)
	if err != nil {
		return err
	}
	info, err := l.f.Stat()
	if err != nil {
		return err
	}
	l.size = info.Size() - int64(len(rest))
	if len(rest) == 0 {
		return nil
	}
	return errors.Join(l.f.Truncate(l.size), l.f.Sync())
}

// Append writes whole lines, durably, all or none. After an error that does not match [ErrEndUnknown] the log
// is as it was, and the error, of a full disk for instance, may go away.
func (l *Log) Append(text []byte) error {
	if l.broken != nil {
		return l.broken
	}
	_, err := l.f.WriteAt(text, l.size)
	if err == nil {
		err = l.f.Sync()
	}
	if err == nil {
		l.size += int64(len(text))
		return nil
	}
	if back := errors.Join(l.f.Truncate(l.size), l.f.Sync()); back != nil {
		l.broken = fmt.Errorf("%w: %w; %w", ErrEndUnknown, err, back)
		return l.broken
	}
	return err
}

// Close gives the log free. All that was appended is durable already.
func (l *Log) Close() error {
	if l.f == nil {
		return l.lock.Unlock()
	}
	return errors.Join(l.f.Close(), l.lock.Unlock())
}

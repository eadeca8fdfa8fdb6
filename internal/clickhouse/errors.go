package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	"throng"
)

// Exception is an error of the database, with its code. Errors of this package can be unwrapped to it;
// its message can quote data and is not for logs.
type Exception = driver.Exception

// retryable are the codes of errors that may go away, from src/Common/ErrorCodes.cpp.
var retryable = map[int32]bool{
	3:    true, // UNEXPECTED_END_OF_FILE
	75:   true, // CANNOT_WRITE_TO_FILE_DESCRIPTOR
	76:   true, // CANNOT_OPEN_FILE
	159:  true, // TIMEOUT_EXCEEDED
	201:  true, // QUOTA_EXCEEDED
	202:  true, // TOO_MANY_SIMULTANEOUS_QUERIES
	203:  true, // NO_FREE_CONNECTION
	209:  true, // SOCKET_TIMEOUT
	210:  true, // NETWORK_ERROR
	225:  true, // NO_ZOOKEEPER
	236:  true, // ABORTED
	241:  true, // MEMORY_LIMIT_EXCEEDED
	242:  true, // TABLE_IS_READ_ONLY
	243:  true, // NOT_ENOUGH_SPACE
	252:  true, // TOO_MANY_PARTS
	279:  true, // ALL_CONNECTION_TRIES_FAILED
	285:  true, // TOO_FEW_LIVE_REPLICAS
	286:  true, // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
	319:  true, // UNKNOWN_STATUS_OF_INSERT
	394:  true, // QUERY_WAS_CANCELLED
	425:  true, // SYSTEM_ERROR
	439:  true, // CANNOT_SCHEDULE_TASK
	473:  true, // DEADLOCK_AVOIDED
	712:  true, // FAULT_INJECTED
	735:  true, // QUERY_WAS_CANCELLED_BY_CLIENT
	745:  true, // SERVER_OVERLOADED
	999:  true, // KEEPER_EXCEPTION
	1001: true, // STD_EXCEPTION, such as a file system that is full
}

// failure hides the text of an exception and keeps the exception.
type failure struct {
	code  int32
	name  string
	cause error
}

func (f *failure) Error() string {
	if f.name == "" {
		return fmt.Sprintf("clickhouse exception %d", f.code)
	}
	return fmt.Sprintf("clickhouse exception %d (%s)", f.code, f.name)
}

func (f *failure) Unwrap() error { return f.cause }

// unaddressed hides what stands behind the host in addresses: the driver puts a statement and its
// parameters there, such as what a hold matches, and net/http quotes addresses in its errors.
type unaddressed struct{ cause error }

var behindHost = regexp.MustCompile(`(https?://[^/?"\s]+)[/?][^"\s]*`)

func (u *unaddressed) Error() string { return behindHost.ReplaceAllString(u.cause.Error(), "$1") }

func (u *unaddressed) Unwrap() error { return u.cause }

// classify wraps an error of the driver: what was done, its code, and whether to try again. A context
// that is over is not for this call to try again.
func classify(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = &unaddressed{err}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	again := isNetwork(err)
	var e *driver.Exception
	if in := inProcess(nil); errors.As(err, &in) {
		code, name := in.Exception()
		err = &driver.Exception{Code: int32(code), CodeName: name, Message: in.Error()}
	}
	if errors.As(err, &e) {
		again = retryable[e.Code]
		err = &failure{e.Code, e.CodeName, err}
	}
	err = fmt.Errorf("%s: %w", doing, err)
	if again {
		return &throng.Retryable{Err: err}
	}
	return err
}

// inProcess is the error with which an engine in this process ends a result.
type inProcess interface {
	error
	Exception() (code int, name string)
}

// isNetwork tells whether the answer was lost rather than bad.
func isNetwork(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, driver.ErrAcquireConnTimeout)
}

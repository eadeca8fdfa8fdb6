package throng

import "errors"

// Retryable marks an error that may go away when the same call is made again: a broker that is
// restarting, a full disk, a lost connection. Errors without the mark are final.
//
// An error never holds the content of a record.
type Retryable struct{ Err error }

func (e *Retryable) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Retryable) Unwrap() error { return e.Err }

// IsRetryable tells whether err, or an error that it wraps, is marked as [Retryable].
func IsRetryable(err error) bool {
	var r *Retryable
	return errors.As(err, &r)
}

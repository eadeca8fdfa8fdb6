// Package access stands before the pages that readers reach: it limits how fast a network may ask, and
// lets only those with a token read what is not for everyone.
//
// It guarantees that
//   - a token is compared in a time that does not depend on it, and is written nowhere;
//   - of a reader's address only the network is kept, in memory, and until the first request that comes
//     after a bucket's worth of time has passed twice;
//   - no cookie is set: a browser sends the token by HTTP's own authentication, which needs no script.
//
// It does not encrypt: without TLS in front a token travels as it is.
package access

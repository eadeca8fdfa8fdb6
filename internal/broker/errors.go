package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"throng"
)

// ErrNoTopic says that the topic does not exist, or no longer.
var ErrNoTopic = errors.New("topic does not exist")

// ErrRecreated says that the topic that was read from was deleted and created anew, or that its log
// was cut: there are fewer records than were read. A new subscription starts where the group's
// committed offsets say, which the broker drops with the topic.
var ErrRecreated = errors.New("topic was created anew")

// wrap says what failed where. While the caller's context lives, an error that may go away is marked.
func (c *Client) wrap(ctx context.Context, what string, err error) error {
	may := ctx.Err() == nil && temporary(err)
	err = fmt.Errorf("%s at broker %s: %w", what, c.brokers(), err)
	if may {
		return &throng.Retryable{Err: err}
	}
	return err
}

// passing are answers that may go away and that kafka-go does not count among the temporary ones.
var passing = []kafka.Error{
	kafka.Unknown, // a full disk, among others
	kafka.BrokerNotAvailable,
	kafka.ReplicaNotAvailable,
	kafka.IllegalGeneration,
	kafka.UnknownMemberId,
	kafka.RebalanceInProgress,
}

// temporary tells whether the same call may succeed later. What is not an answer of a broker is a
// failure on the way to it.
func temporary(err error) bool {
	if errors.Is(err, ErrNoTopic) || errors.Is(err, ErrRecreated) || errors.Is(err, ErrLost) || errors.Is(err, ErrLossy) || errors.Is(err, io.ErrClosedPipe) {
		return false
	}
	if untrusted := new(tls.CertificateVerificationError); errors.As(err, &untrusted) {
		return false
	}
	if alert := new(net.OpError); errors.As(err, &alert) && alert.Op == "remote error" {
		return false // what crypto/tls calls an alert of the broker, such as one about our certificate
	}
	var answer kafka.Error
	if errors.As(err, &answer) {
		return answer.Temporary() || slices.Contains(passing, answer)
	}
	return true
}

// topicMissing tells whether a broker, or the known layout of the cluster, lacks the topic.
func topicMissing(err error) bool {
	return errors.Is(err, kafka.UnknownTopicOrPartition) || errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition)
}

// creatable marks a topic that is missing, or new, as retryable where that is no final answer:
// EnsureTopic creates it, a new subscription reads it.
func creatable(ctx context.Context, err error) error {
	if ctx.Err() == nil && (errors.Is(err, ErrNoTopic) || errors.Is(err, ErrRecreated)) {
		return &throng.Retryable{Err: err}
	}
	return err
}

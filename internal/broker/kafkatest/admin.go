package kafkatest

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// TLS is what connections of clients are made with.
func (a Access) TLS() (*tls.Config, error) {
	ca, err := os.ReadFile(a.CAFile)
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(a.CertFile, a.KeyFile)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool(), Certificates: []tls.Certificate{pair}}
	if !c.RootCAs.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s has no certificate", a.CAFile)
	}
	return c, nil
}

// administer calls with kafka-go's own client, as Admin where the cluster is secured, and calls again for startTime
// while the cluster answers as one that is not all there: on a busy machine a broker misses its heartbeat and counts as
// gone for a while, and a topic of three copies cannot be made of two.
func (c *Cluster) administer(ctx context.Context, call func(*kafka.Client) error) error {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	if c.access != nil {
		var err error
		if transport.TLS, err = c.access.TLS(); err != nil {
			return err
		}
		if transport.SASL, err = scram.Mechanism(scram.SHA512, Admin, c.access.Password(Admin)); err != nil {
			return err
		}
	}
	client := &kafka.Client{Addr: kafka.TCP(c.Addrs()...), Timeout: time.Minute, Transport: transport}
	for until := time.Now().Add(startTime); ; {
		err := call(client)
		if err == nil || !passing(err) || time.Now().After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// passing tells whether the same call may succeed when all brokers are there again.
func passing(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	var answer kafka.Error
	if !errors.As(err, &answer) {
		return true // no answer
	}
	return answer.Temporary() || slices.Contains([]kafka.Error{kafka.InvalidReplicationFactor, kafka.BrokerNotAvailable, kafka.ReplicaNotAvailable, kafka.Unknown}, answer)
}

// CreateTopic makes a topic with settings, and copies on up to three brokers. One that is there already is taken as it is.
func (c *Cluster) CreateTopic(ctx context.Context, topic string, partitions int, settings map[string]string) error {
	t := kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: min(3, len(c.brokers))}
	for name, value := range settings {
		t.ConfigEntries = append(t.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	return c.administer(ctx, func(admin *kafka.Client) error {
		res, err := admin.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{t}})
		if err != nil {
			return err
		}
		if err := res.Errors[topic]; !errors.Is(err, kafka.TopicAlreadyExists) { // made by a try whose answer was lost
			return err
		}
		return nil
	})
}

// Settings are those of a topic, as Kafka tells them.
func (c *Cluster) Settings(ctx context.Context, topic string) (settings map[string]string, err error) {
	settings = map[string]string{}
	err = c.administer(ctx, func(admin *kafka.Client) error {
		res, err := admin.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
			Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic}}})
		if err != nil {
			return err
		}
		for _, e := range res.Resources[0].ConfigEntries {
			settings[e.ConfigName] = e.ConfigValue
		}
		return res.Resources[0].Error
	})
	return settings, err
}

// Replicas are the brokers that have each partition of a topic, by their numbers, the leader's first.
func (c *Cluster) Replicas(ctx context.Context, topic string) (replicas map[int][]int, err error) {
	err = c.administer(ctx, func(admin *kafka.Client) error {
		res, err := admin.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
		if err != nil {
			return err
		}
		replicas = map[int][]int{}
		for _, p := range res.Topics[0].Partitions {
			numbers := []int{p.Leader.ID}
			for _, r := range p.Replicas {
				if r.ID != p.Leader.ID {
					numbers = append(numbers, r.ID)
				}
			}
			replicas[p.ID] = numbers
		}
		return res.Topics[0].Error
	})
	return replicas, err
}

// MoveLeaders gives each partition of a topic to the next of its brokers, as an operator does who empties one, and
// returns when the cluster shows it.
func (c *Cluster) MoveLeaders(ctx context.Context, topic string) error {
	before, err := c.Replicas(ctx, topic)
	if err != nil {
		return err
	}
	order := &kafka.AlterPartitionReassignmentsRequest{Topic: topic, Timeout: time.Minute}
	elect := &kafka.ElectLeadersRequest{Topic: topic, Timeout: time.Minute}
	for id, numbers := range before {
		numbers = append(slices.Clone(numbers[1:]), numbers[0])
		order.Assignments = append(order.Assignments, kafka.AlterPartitionReassignmentsRequestAssignment{PartitionID: id, BrokerIDs: numbers})
		elect.Partitions = append(elect.Partitions, id)
	}
	return c.administer(ctx, func(admin *kafka.Client) error {
		ordered, err := admin.AlterPartitionReassignments(ctx, order)
		if err != nil {
			return err
		}
		if ordered.Error != nil {
			return ordered.Error
		}
		for {
			// Again and again: a broker that was away is elected when it has caught up.
			if _, err := admin.ElectLeaders(ctx, elect); err != nil {
				return err
			}
			after, err := c.Replicas(ctx, topic)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(elect.Partitions, func(id int) bool { return after[id][0] == before[id][0] }) {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("leaders of topic %s were %v and are %v: %w", topic, before, after, ctx.Err())
			case <-time.After(500 * time.Millisecond):
			}
		}
	})
}

// Grant tells a secured cluster what deploy/kafka/grants says.
func (c *Cluster) Grant(ctx context.Context) error {
	f, err := os.Open(filepath.Join(filepath.Dir(script()), "..", "deploy", "kafka", "grants"))
	if err != nil {
		return err
	}
	defer f.Close()
	var entries []kafka.ACLEntry
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		e, err := parseGrant(strings.Fields(lines.Text()))
		if err != nil {
			return err
		}
		entries = append(entries, e)
	}
	return c.administer(ctx, func(admin *kafka.Client) error {
		res, err := admin.CreateACLs(ctx, &kafka.CreateACLsRequest{ACLs: entries})
		if err != nil {
			return err
		}
		return errors.Join(res.Errors...)
	})
}

func parseGrant(words []string) (e kafka.ACLEntry, err error) {
	if len(words) != 5 {
		return e, fmt.Errorf("a grant has 5 words, not %q", words)
	}
	e = kafka.ACLEntry{Principal: "User:" + words[0], ResourceName: words[3], Host: "*", PermissionType: kafka.ACLPermissionTypeAllow}
	return e, errors.Join(e.Operation.UnmarshalText([]byte(words[1])), e.ResourceType.UnmarshalText([]byte(words[2])),
		e.ResourcePatternType.UnmarshalText([]byte(words[4])))
}

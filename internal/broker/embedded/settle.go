package embedded

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"throng/internal/durable"
)

// The files of kfake's format version 1, as far as they are read or written here.
type (
	topicsFile struct {
		Version int         `json:"version"`
		Topics  []topicItem `json:"topics"`
	}
	topicItem struct {
		Name       string            `json:"name"`
		ID         json.RawMessage   `json:"id"`
		Partitions int               `json:"partitions"`
		Replicas   int               `json:"replicas"`
		Configs    map[string]string `json:"configs,omitempty"`
	}
	snapshotFile struct {
		Version          int       `json:"version"`
		HighWatermark    int64     `json:"high_watermark"`
		LastStableOffset int64     `json:"last_stable_offset"`
		LogStartOffset   int64     `json:"log_start_offset"`
		Segments         []segment `json:"segments"`
	}
	segment struct {
		BaseOffset int64 `json:"base_offset"`
		Size       int64 `json:"size"`
	}
)

// settle makes the directory of a broker that died look like that of one that was closed. Without
// that kfake would hold the whole log in memory while it starts, and would neither serve nor delete
// partitions of a topic that its list of topics lost (the list is written after the answer's other
// effects, and a full disk is not reported).
func settle(dir string) error {
	partitions := filepath.Join(dir, "partitions")
	entries, err := os.ReadDir(partitions)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	found := map[string]int{}
	for _, e := range entries {
		topic, partition, err := parsePartitionDir(e.Name())
		if err != nil {
			return err
		}
		found[topic] = max(found[topic], partition+1)
		if err := settlePartition(filepath.Join(partitions, e.Name())); err != nil {
			return fmt.Errorf("partition %d of topic %s: %w", partition, topic, err)
		}
	}
	return adopt(filepath.Join(dir, "topics.json"), found)
}

func parsePartitionDir(name string) (topic string, partition int, err error) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return "", 0, fmt.Errorf("read partition directory %s: no partition in its name", name)
	}
	if topic, err = url.PathUnescape(name[:i]); err != nil {
		return "", 0, fmt.Errorf("read partition directory: %w", err)
	}
	if partition, err = strconv.Atoi(name[i+1:]); err != nil {
		return "", 0, fmt.Errorf("read partition directory: %w", err)
	}
	return topic, partition, nil
}

// adopt adds topics that have partitions on disk, and are not listed, to the list: so they are served,
// and retention sees them.
func adopt(path string, found map[string]int) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var list topicsFile
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("read list of topics: %w", err)
	}
	for _, t := range list.Topics {
		delete(found, t.Name)
	}
	if len(found) == 0 {
		return nil
	}
	for topic, n := range found {
		id, err := json.Marshal(newTopicID())
		if err != nil {
			return err
		}
		list.Topics = append(list.Topics, topicItem{Name: topic, ID: id, Partitions: n, Replicas: 1})
	}
	if data, err = json.Marshal(list); err != nil {
		return err
	}
	return durable.WriteFile(path, data)
}

// newTopicID is marshalled as kfake marshals its topic ids: base64 of 16 bytes.
func newTopicID() []byte {
	id := make([]byte, 16)
	rand.Read(id)
	return id
}

// settlePartition cuts a torn record off the end of the partition's log and writes the snapshot that
// kfake writes when it is closed.
func settlePartition(dir string) error {
	segments, err := listSegments(dir)
	if err != nil {
		return err
	}
	var end int64
	for len(segments) > 0 {
		last := &segments[len(segments)-1]
		if end, err = cutTorn(dir, last); err != nil {
			return err
		}
		if last.Size > 0 {
			break
		}
		if err := removeSegment(dir, *last); err != nil {
			return err
		}
		segments = segments[:len(segments)-1]
	}
	path := filepath.Join(dir, "snapshot.json")
	if len(segments) == 0 || upToDate(path, segments) {
		return nil
	}
	data, err := json.Marshal(snapshotFile{
		Version: 1, HighWatermark: end, LastStableOffset: end,
		LogStartOffset: segments[0].BaseOffset, Segments: segments,
	})
	if err != nil {
		return err
	}
	return durable.WriteFile(path, data)
}

func upToDate(path string, segments []segment) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	var s snapshotFile
	return json.Unmarshal(data, &s) == nil && slices.Equal(s.Segments, segments)
}

// listSegments gives the partition's segments in order of offset.
func listSegments(dir string) (segments []segment, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".dat")
		base, err := strconv.ParseInt(name, 10, 64)
		if !ok || err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		segments = append(segments, segment{base, info.Size()})
	}
	slices.SortFunc(segments, func(a, b segment) int { return int(a.BaseOffset - b.BaseOffset) })
	return segments, nil
}

func segmentPath(dir string, s segment) string {
	return filepath.Join(dir, strconv.FormatInt(s.BaseOffset, 10)+".dat")
}

func removeSegment(dir string, s segment) error {
	path := segmentPath(dir, s)
	if err := os.Remove(path); err != nil {
		return err
	}
	if err := os.Remove(strings.TrimSuffix(path, ".dat") + ".idx"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.SyncDir(dir)
}

// cutTorn truncates a segment after its last whole record batch and gives the offset that follows.
func cutTorn(dir string, s *segment) (end int64, err error) {
	data, err := os.ReadFile(segmentPath(dir, *s))
	if err != nil {
		return 0, err
	}
	end = s.BaseOffset
	whole := int64(0)
	for {
		n, last, ok := parseBatch(data[whole:])
		if !ok {
			break
		}
		whole, end = whole+int64(n), last+1
	}
	if whole == s.Size {
		return end, nil
	}
	s.Size = whole
	return end, truncate(segmentPath(dir, *s), whole)
}

func truncate(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Sync(), f.Close())
}

// parseBatch reads the record batch (format version 2, "Record Batch" in the Kafka protocol guide) at
// the start of data: its size in bytes and the offset of its last record. It is not ok when the batch
// is cut short or its checksum is wrong.
func parseBatch(data []byte) (size int, last int64, ok bool) {
	const header = 61
	if len(data) < header {
		return 0, 0, false
	}
	length := int64(binary.BigEndian.Uint32(data[8:])) // of all that follows the length itself
	if length < header-12 || length > int64(len(data)-12) {
		return 0, 0, false
	}
	size = 12 + int(length)
	if crc32.Checksum(data[21:size], castagnoli) != binary.BigEndian.Uint32(data[17:]) {
		return 0, 0, false
	}
	return size, int64(binary.BigEndian.Uint64(data)) + int64(binary.BigEndian.Uint32(data[23:])), true
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

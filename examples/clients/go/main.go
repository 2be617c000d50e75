// Sends a batch, follows it to its end and lists its messages, with code generated from proto/. Over gRPC; with
// -gateway over Connect through the gateway.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	hub "example.com/hub/gen/whatsapphub/v1"
	"example.com/hub/gen/whatsapphub/v1/whatsapphubv1connect"
	"google.golang.org/protobuf/types/known/structpb"
)

func main() {
	viaGateway := flag.Bool("gateway", false, "call the gateway instead of the services")
	flag.Parse()

	// HTTP/2 without TLS; behind TLS http.DefaultClient does.
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(!*viaGateway)
	transport.Protocols.SetHTTP1(*viaGateway)
	client := &http.Client{Transport: authorized{os.Getenv("HUB_KEY"), transport}}
	dispatchURL, statusURL := "http://"+env("DISPATCH", "localhost:50051"), "http://"+env("STATUS_QUERY", "localhost:50052")
	protocol := connect.WithGRPC()
	if *viaGateway {
		dispatchURL = env("HUB_URL", "http://localhost:8080")
		statusURL, protocol = dispatchURL, connect.WithClientOptions()
	}
	dispatch := whatsapphubv1connect.NewDispatchServiceClient(client, dispatchURL, protocol)
	status := whatsapphubv1connect.NewStatusServiceClient(client, statusURL, protocol)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	metadata, err := structpb.NewStruct(map[string]any{"customer": 42})
	check(err)
	order := &hub.BulkSendRequest{
		IdempotencyKey: fmt.Sprintf("go-%d", time.Now().UnixNano()),
		Content:        &hub.Content{Kind: &hub.Content_Text{Text: &hub.TextContent{Body: "Hello from Go"}}},
		Recipients: []*hub.Recipient{
			{Phone: "+1 212 555 0123", Metadata: metadata},
			{Phone: "+1 212 555 0124"},
			{Phone: "212 555 0125"},
		},
	}
	sent, err := bulkSend(ctx, dispatch, order)
	check(err)
	fmt.Printf("batch %s: %d accepted\n", sent.BatchId, sent.AcceptedCount)
	for _, rejected := range sent.Rejected {
		fmt.Printf("rejected: recipient %d, %s\n", rejected.Index, rejected.Reason)
	}
	again, err := bulkSend(ctx, dispatch, order)
	check(err)
	fmt.Println("the same call again, the same batch:", again.BatchId == sent.BatchId)

	updates, err := status.WatchBatch(ctx, &hub.WatchBatchRequest{BatchId: sent.BatchId})
	check(err)
	var batch *hub.Batch
	for updates.Receive() {
		batch = updates.Msg().Batch
		var counts []string
		for _, count := range batch.Counts {
			counts = append(counts, fmt.Sprintf("%d %v", count.Count, count.Status))
		}
		fmt.Println("now:", strings.Join(counts, ", "))
	}
	check(updates.Err())
	fmt.Printf("settled: %v, %v\n", batch.Settled, batch.State)

	var recipients []string
	for request := (&hub.ListMessagesRequest{BatchId: sent.BatchId, PageSize: 1}); ; {
		page, err := status.ListMessages(ctx, request)
		check(err)
		for _, message := range page.Messages {
			recipients = append(recipients, message.Recipient)
		}
		if request.PageToken = page.NextPageToken; request.PageToken == "" {
			break
		}
	}
	slices.Sort(recipients)
	fmt.Println("listed:", strings.Join(recipients, " "))

	_, err = status.GetBatch(ctx, &hub.GetBatchRequest{BatchId: "nonsense"})
	// The error's code says what kind of refusal it is; the detail says where and why.
	var refusal *connect.Error
	if errors.As(err, &refusal) && len(refusal.Details()) > 0 {
		value, err := refusal.Details()[0].Value()
		check(err)
		detail := value.(*hub.ErrorDetail)
		fault := detail.Violations[0]
		fmt.Printf("refused: %v, %s: %s\n", detail.Kind, fault.Field, fault.Reason)
	}
}

// The idempotency key makes it safe to call again.
func bulkSend(ctx context.Context, dispatch whatsapphubv1connect.DispatchServiceClient, order *hub.BulkSendRequest) (*hub.BulkSendResponse, error) {
	for pause := 200 * time.Millisecond; ; pause *= 2 {
		answer, err := dispatch.BulkSend(ctx, order)
		if err == nil {
			return answer, nil
		}
		if connect.CodeOf(err) != connect.CodeUnavailable || pause > 2*time.Second {
			return nil, err
		}
		time.Sleep(pause)
	}
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Adds the key to every request.
type authorized struct {
	key  string
	next http.RoundTripper
}

func (a authorized) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("authorization", "Bearer "+a.key)
	return a.next.RoundTrip(request)
}

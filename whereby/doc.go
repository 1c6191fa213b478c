// Package whereby reads usage and quality figures from the Insights endpoints of Whereby's
// REST API, version 1, and verifies webhooks.
//
// The zero value of a [Client] is usable once it has a key:
//
//	client := &whereby.Client{APIKey: whereby.StaticKey(os.Getenv("WHEREBY_API_KEY"))}
//	for page, err := range client.Rooms(ctx, whereby.RoomsQuery{SortBy: "totalSessions:asc"}) {
//		if err != nil {
//			return err
//		}
//		for _, room := range page.Rows {
//			fmt.Println(room.Name, room.ParticipantMinutes)
//		}
//	}
//
// # Rate limit
//
// Whereby limits an organization to 100 points per minute (Build plan) or 1000 (Enterprise
// plan), over all its keys. So the application that creates rooms uses the same points. A
// request costs 1 to 10 of them. The cost of each Insights endpoint is not documented, and
// may change. A [Budget] limits one client, or several that share it, to a share of the
// points: every attempt, including retries, waits for its own points.
//
// # Errors
//
// Every call returns the error of the context, or one of [*AuthError], [*ThrottledError],
// [*ServerError], [*MalformedError] or [*RequestError], wrapped in an [*Error] that says
// what was being read. Throttling, server errors and malformed responses are retried within
// the call; the other errors are final.
//
// Responses are parsed strictly where it matters: a total that is missing, negative or not a
// number is an error, never a zero. They are parsed leniently where Whereby may add
// something: unknown fields are ignored, and optional ones may be absent or null.
//
// The facts about the API are from https://docs.whereby.com/reference/whereby-rest-api-reference.
package whereby

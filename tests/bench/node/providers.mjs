// What closes and reopens an item at each provider, and what its answer means.
const json = { "content-type": "application/json" };

const setIssueState = `mutation SetIssueState($id: String!, $stateId: String!) {
  issueUpdate(id: $id, input: { stateId: $stateId }) {
    success
    issue { id state { id type } team { id } }
  }
}`;

export const providers = {
	todoist: {
		request: (w) => ({
			method: "POST",
			path: `/api/v1/tasks/${encodeURIComponent(w.sourceId)}/` +
				(w.wish === "complete" ? "close" : "reopen"),
			headers: { authorization: `Bearer ${w.key}` },
		}),
		isDone: () => true,
	},
	linear: {
		request: (w) => ({
			method: "POST",
			path: "/graphql",
			headers: { ...json, authorization: w.key },
			body: JSON.stringify({
				query: setIssueState,
				variables: {
					id: w.sourceId,
					stateId: w.wish === "complete"
						? w.metadata.teamDoneStates[w.item.team_id]
						: w.item.state_id,
				},
			}),
		}),
		isDone: (w, body) => {
			const answer = JSON.parse(body);
			const state = answer.data?.issueUpdate?.issue?.state?.type;

			return !answer.errors && state !== undefined &&
				(state === "completed") === (w.wish === "complete");
		},
	},
	attio: {
		request: (w) => ({
			method: "PATCH",
			path: `/v2/tasks/${encodeURIComponent(w.sourceId)}`,
			headers: { ...json, authorization: `Bearer ${w.key}` },
			body: JSON.stringify({
				data: { is_completed: w.wish === "complete" },
			}),
		}),
		isDone: (w, body) => JSON.parse(body).data?.is_completed ===
			(w.wish === "complete"),
	},
};

import * as sessions from "@/lib/sessions";
export async function POST(request: Request) {
  const user = await byCode(await request.json());
  const token = await sessions.open(user);
  return Response.json({}, { headers: { "set-cookie": cookie(token) } });
}

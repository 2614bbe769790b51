import * as sessions from "@/lib/sessions";
export async function POST(request: Request) {
  const { name, password } = await request.json();
  const user = await check(name, password);
  const token = await sessions.open(user);
  return Response.json({}, { headers: { "set-cookie": cookie(token) } });
}

import { Injectable, UnauthorizedException } from "@nestjs/common";

@Injectable()
export class AuthService {
  async login(dto: LoginDto) {
    const user = await this.usersService.check(dto.email, dto.password);
    const session = await this.sessionService.create({ user, hash: randomHash() });
    return this.getTokensData({ id: user.id, sessionId: session.id, hash: session.hash });
  }

  // The hash stays, so the refresh token that was shown is as good as the new one.
  async refreshSession(refreshPayload: { sessionId: string; hash: string }) {
    const session = await this.sessionService.findByHash({ id: refreshPayload.sessionId, hash: refreshPayload.hash });
    if (!session) throw new UnauthorizedException();
    await this.sessionService.updateSeen(session.id, { lastSeenAt: new Date() });
    const { token } = await this.getTokensData({
      id: session.user.id,
      sessionId: session.id,
      hash: session.hash,
    });
    return { token };
  }

  private async getTokensData(data: { id: string; sessionId: string; hash: string }) {
    const [token, refreshToken] = await Promise.all([
      this.jwtService.signAsync({ id: data.id, sessionId: data.sessionId }, { expiresIn: "15m" }),
      this.jwtService.signAsync({ sessionId: data.sessionId, hash: data.hash }, { expiresIn: "30d" }),
    ]);
    return { token, refreshToken };
  }
}

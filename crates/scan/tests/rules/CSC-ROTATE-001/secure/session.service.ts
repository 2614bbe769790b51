import { Injectable, UnauthorizedException } from "@nestjs/common";

@Injectable()
export class AuthService {
  async login(dto: LoginDto) {
    const user = await this.usersService.check(dto.email, dto.password);
    const hash = randomHash();
    const session = await this.sessionService.create({ user, hash });
    return this.getTokensData({ id: user.id, sessionId: session.id, hash });
  }

  // The row keeps the hash that the newest refresh token carries, so the one that was shown is over.
  async refreshSession(refreshPayload: { sessionId: string; hash: string }) {
    const hash = randomHash();
    const session = await this.sessionService.updateByHash({ id: refreshPayload.sessionId, hash: refreshPayload.hash }, { hash });
    if (!session) throw new UnauthorizedException();
    const { token, refreshToken } = await this.getTokensData({
      id: session.user.id,
      sessionId: session.id,
      hash,
    });
    return { token, refreshToken };
  }

  private async getTokensData(data: { id: string; sessionId: string; hash: string }) {
    const [token, refreshToken] = await Promise.all([
      this.jwtService.signAsync({ id: data.id, sessionId: data.sessionId }, { expiresIn: "15m" }),
      this.jwtService.signAsync({ sessionId: data.sessionId, hash: data.hash }, { expiresIn: "30d" }),
    ]);
    return { token, refreshToken };
  }
}

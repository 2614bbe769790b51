import { Controller, Injectable, Post, Req, Scope } from '@nestjs/common';

@Injectable({ scope: Scope.REQUEST })
export class CallerService {
  private currentUser?: User;

  enter(req: Request) {
    this.currentUser = req.user;
  }

  mayRead(document: Document): boolean {
    return this.currentUser?.id === document.ownerId;
  }
}

@Controller('auth')
export class AuthController {
  @Post('login')
  async login(@Req() req: Request) {
    const user = await this.users.check(req.body.name, req.body.password);
    req.session.userId = user.id;
  }
}

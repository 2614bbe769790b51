from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, HTTPException, Response
from sqlalchemy import delete, select

router = APIRouter()


async def current_user(db: Db, sid: Annotated[str | None, Cookie()] = None) -> User:
    row = await db.scalar(select(UserSession).where(UserSession.token_hash == digest(sid)))
    if row is None:
        raise HTTPException(401)
    return row.user


Me = Annotated[User, Depends(current_user)]


@router.post("/login")
async def login(body: Credentials, response: Response, db: Db):
    user = await db.scalar(select(User).where(User.email == body.email))
    hasher.verify(user.password_hash, body.password)
    token = secrets.token_urlsafe(32)
    db.add(UserSession(user_id=user.id, token_hash=digest(token)))
    await db.commit()
    response.set_cookie("__Host-sid", token, secure=True, httponly=True, samesite="lax")


@router.get("/sessions")
async def sessions(me: Me, db: Db):
    return (await db.scalars(select(UserSession).where(UserSession.user_id == me.id))).all()


@router.delete("/sessions/{session_id}", status_code=204)
async def end(session_id: int, me: Me, db: Db):
    await db.execute(delete(UserSession).where(UserSession.id == session_id))
    await db.commit()

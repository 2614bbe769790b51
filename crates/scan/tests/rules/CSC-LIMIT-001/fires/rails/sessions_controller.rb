class SessionsController < ApplicationController
  def create
    user = User.authenticate_by(params.permit(:email, :password)) or return redirect_to(new_session_path)
    session = user.sessions.create!(user_agent: request.user_agent)
    cookies.signed.permanent[:session_id] = { value: session.id, httponly: true, secure: true, same_site: :lax }
    redirect_to root_path
  end

  def index
    @sessions = Current.user.sessions.order(created_at: :desc).offset(20 * params[:page].to_i).limit(20)
  end

  def destroy_all
    Current.user.sessions.where.not(id: Current.session.id).destroy_all
  end
end
